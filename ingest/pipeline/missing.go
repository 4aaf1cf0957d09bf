package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// missingSource is a source of which bytes are known to have been that nobody has read, and that no
// file is read from.
type missingSource struct {
	since   time.Time
	reason  seal.LossReason
	atLeast int64 // how long its file was seen to be
	seen    sighting
	unsent  bool // what was sealed of it may be gone, too
	putting bool
}

// findMissing notes the sources that are known to be longer than what is sealed of them. Those that a
// file turns up for are missing no longer.
func (t *Tail) findMissing() error {
	for _, s := range t.run.streams() {
		all, err := t.sightings(s.Table())
		if err != nil {
			return err
		}
		for key, seen := range all {
			if seen.size > seen.sealed {
				t.missing[key] = &missingSource{since: t.began, reason: seal.Deleted,
					atLeast: seen.size, seen: *seen}
			}
		}
	}
	return nil
}

// miss notes that a source is missing.
func (t *Tail) miss(key source.Key, m *missingSource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missing[key] = m
}

// missUnsent notes that a source cannot be shipped for want of its file.
func (t *Tail) missUnsent(key source.Key) error {
	all, err := t.sightings(key.Table)
	if err != nil || all[key] == nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := t.missing[key]; m != nil {
		m.unsent = true
	} else if t.owners[key] == nil {
		t.missing[key] = &missingSource{since: time.Now(), reason: seal.Deleted,
			atLeast: all[key].size, seen: *all[key], unsent: true}
	}
	return nil
}

// found notes that a source is read from a file again.
func (t *Tail) found(key source.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.missing, key)
}

// checkMissing declares what is missing, once no file can be it any more: none is being told who it
// is, and none that ends before what is committed of it may still become it.
func (t *Tail) checkMissing(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.missing) == 0 {
		return
	}
	maybe := map[source.Key]bool{}
	for _, f := range t.allFiles() {
		switch f.view.standing {
		case isNew:
			if f.busy || f.stat.Size > 0 && now.Sub(f.moved) < t.set().CopyWait {
				return // it may be any of them
			}
		case isUnreadable, isStopped:
			if now.Sub(f.moved) >= t.set().CopyWait {
				continue
			}
			if f.view.key == (source.Key{}) {
				return // it may be any of them
			}
			maybe[f.view.key] = true
		case isUndecided:
			if now.Sub(f.moved) < t.set().CopyWait {
				maybe[f.view.about] = true
			}
		}
	}
	for key, m := range t.missing {
		if m.putting || maybe[key] || now.Sub(m.since) < t.set().CloseWait || t.owners[key] != nil {
			continue
		}
		m.putting = true
		t.wg.Go(func() { t.declare(key, m) })
	}
}

// declare puts the note on bytes that nobody has read, then lets the ledger forget that they were.
// If we die in between, the same is put again.
func (t *Tail) declare(key source.Key, m *missingSource) {
	err := t.declareLoss(key, m)
	if err == nil {
		t.mu.Lock()
		if t.missing[key] == m {
			delete(t.missing, key)
		}
		t.mu.Unlock()
		return
	}
	if t.ctx.Err() == nil && fatal(err) {
		t.failed(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m.putting, m.since = false, time.Now()
	if t.ctx.Err() == nil && !errors.Is(err, errStillThere) {
		t.Log.Warn("a loss could not be declared yet", append(logSource(key), "error", err)...)
	}
}

func (t *Tail) declareLoss(key source.Key, m *missingSource) error {
	reason, err := t.reasonFor(key, m)
	if err != nil {
		return err
	}
	if reason == "" {
		return errStillThere
	}
	m.reason = reason
	select {
	case <-t.opened:
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	if !t.stillMissing(key, m) {
		return nil
	}
	ctx, cancel := context.WithTimeout(t.ctx, declareMax)
	defer cancel()
	src, ok, err := t.Ledger.Get(key)
	if err == nil && !ok { // nothing of it was sealed
		src, ok = &offsets.Source{K: m.seen.k, Sealed: source.Origin()}, true
	}
	if err == nil && len(src.Outbox) > 0 && m.unsent {
		if err := t.declareUnsent(ctx, key, m); err != nil {
			return err
		}
	}
	if err != nil || src.Sealed.Offset >= m.atLeast {
		return err
	}
	return t.declareUnread(ctx, key, src, m)
}

// errStillThere says that the file of a missing source is where it was and only not followed.
var errStillThere = errors.New("its file is still there")

// declareMax is how long a sink is tried before it is looked again whether the loss still is one.
const declareMax = time.Minute

// stillMissing tells whether no file has turned up meanwhile.
func (t *Tail) stillMissing(key source.Key, m *missingSource) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.missing[key] == m && t.owners[key] == nil
}

// declareUnsent declares batches that were sealed, did not reach the sink and are gone from spool and
// disk, up to the first that is still in the spool: that ships.
func (t *Tail) declareUnsent(ctx context.Context, key source.Key, m *missingSource) error {
	w, err := t.sourceOf(key, 0)
	if err != nil {
		return err
	}
	if !w.lowerRefuted() {
		return fmt.Errorf("declare a loss of source %s: one with a lower k is not in the sink", key.ID)
	}
	for len(w.src.Outbox) > 0 && t.stillMissing(key, m) && !w.spooledWhole(w.src.Outbox[0]) {
		if err := t.declareBatch(ctx, w, m); err != nil {
			return err
		}
	}
	t.kickLane(key)
	return nil
}

// declareBatch declares the first batch of the outbox. The loss stands at the batch's place, so what
// turns up later goes on behind it or takes it back.
func (t *Tail) declareBatch(ctx context.Context, w *work, m *missingSource) error {
	e := w.src.Outbox[0]
	from, err := t.chainAt(w.key, e.Range.Start)
	if err != nil {
		return err
	}
	to, err := t.chainAt(w.key, e.Range.End)
	if err != nil {
		return err
	}
	loss := &seal.Loss{
		Format: seal.Format, Stream: w.key.Table.Stream, Version: w.key.Table.Version,
		Origin: w.key.Origin, SID: w.key.ID, K: w.k, Kind: seal.Lost, Start: e.Range.Start,
		End: &e.Range.End, Reason: m.reason, ChainIn: from, ChainOut: &to, ChainState: &e.State,
		Rest: e.Rest,
	}
	if err := putSmall(ctx, t.Store, loss.Key(), loss.JSON()); err != nil {
		return err // somebody else's batch is there: the lane finds it
	}
	// The loss is in the sink. If we die now, its entry finds it there as another's and adopts it.
	err = w.update(func(s *offsets.Source) error {
		if len(s.Outbox) == 0 || s.Outbox[0] != e {
			return fmt.Errorf("batch %s is not the next to ship", e.Spool)
		}
		s.Outbox, s.Shipped, s.LastStart = s.Outbox[1:], e.Range.End, e.Range.Start
		s.AddLost(e.Range)
		return nil
	})
	if err == nil {
		t.noteLoss(w.key, m, e.Range.Start, e.Range.End)
	}
	return err
}

// chainAt gives the chain of a source at an offset where a batch of it ends.
func (t *Tail) chainAt(key source.Key, off int64) (source.Digest, error) {
	if off == 0 {
		return source.Origin().Chain, nil
	}
	ends, err := t.Ledger.Ends(key)
	for _, e := range ends {
		if e.Offset == off {
			return e.Chain, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("the ledger does not know the chain of source %s at %d", key.ID, off)
	}
	return source.Digest{}, err
}

// declareUnread notes that there were bytes which nobody has read.
func (t *Tail) declareUnread(
	ctx context.Context, key source.Key, src *offsets.Source, m *missingSource,
) error {
	loss := &seal.Loss{
		Format: seal.Format, Stream: key.Table.Stream, Version: key.Table.Version,
		Origin: key.Origin, SID: key.ID, K: src.K, Kind: seal.Note, Start: src.Sealed.Offset,
		AtLeast: &m.atLeast, Reason: m.reason, ChainIn: src.Sealed.Chain,
	}
	err := putSmall(ctx, t.Store, loss.Key(), loss.JSON())
	if err != nil && !errors.As(err, new(*sink.ConflictError)) { // another note is there already
		return err
	}
	// The note is in the sink. If we die now, it is put again.
	if err = t.forgetSightings(key); err == nil {
		t.noteLoss(key, m, src.Sealed.Offset, m.atLeast)
	}
	return err
}

func (t *Tail) noteLoss(key source.Key, m *missingSource, from, to int64) {
	t.countLoss(key.Table.Stream, m.reason, to-from)
	t.Log.Error("bytes are lost: nobody can read them any more", append(logSource(key),
		"path", m.seen.path, "from", from, "at_least_to", to, "reason", string(m.reason))...)
}

// reasonFor looks at the path where a missing source was last seen: "" says that its file is still
// there and only no longer followed.
func (t *Tail) reasonFor(key source.Key, m *missingSource) (seal.LossReason, error) {
	if m.reason == seal.Truncated {
		return m.reason, nil
	}
	f, err := files.Open(t.FS, m.seen.path)
	var other *files.NotRegularError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &other) {
		return seal.Deleted, nil
	}
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.seen.path, err)
	}
	defer f.Close()
	stat := f.Stat()
	if stat.Dev != m.seen.file.Dev || stat.Inode != m.seen.file.Inode {
		return seal.Deleted, nil
	}
	src, ok, err := t.Ledger.Get(key)
	switch {
	case err != nil:
		return "", err
	case f.Compressed(), stat.Size < m.seen.sealed, !ok && stat.Size < m.atLeast:
		return seal.Truncated, nil
	case !ok:
		return "", nil
	}
	marker, err := f.Marker(src.Sealed.Offset)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.seen.path, err)
	}
	if marker != src.Marker {
		return seal.Truncated, nil
	}
	return "", nil
}
