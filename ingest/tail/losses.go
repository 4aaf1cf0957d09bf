package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// losses knows the bytes that were seen and that nobody can read now, and declares them lost when nobody can any more.
type losses struct {
	*Tail

	missing map[source.Key]*missingSource
}

// missingSource is a source of which bytes are known to have been that nobody has read, and that no
// file is read from.
type missingSource struct {
	since   time.Time
	reason  table.LossReason
	atLeast int64 // how long its file was seen to be
	seen    offsets.Sighting
	unsent  bool // what was sealed of it may be gone, too
	putting bool
	tried   bool              // it could not be declared, so it holds its ordinal no longer
	asked   map[*logFile]bool // files that were read again for it
}

// newMissing is a source that has been missing since an instant.
func newMissing(
	since time.Time, reason table.LossReason, atLeast int64, seen offsets.Sighting,
) *missingSource {
	return &missingSource{since: since, reason: reason, atLeast: atLeast, seen: seen,
		asked: map[*logFile]bool{}}
}

// findMissing notes the sources that are known to be longer than what is sealed of them. Those that a
// file turns up for are missing no longer.
func (l *losses) findMissing() error {
	all, err := l.Ledger.Behind()
	if err != nil {
		return err
	}
	for _, seen := range all {
		if l.StreamOf(seen.Key.Table) != nil {
			l.missing[seen.Key] = newMissing(l.began, table.Deleted, seen.Size, seen)
		}
	}
	return nil
}

// miss notes that a source is missing.
func (l *losses) miss(key source.Key, m *missingSource) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.missing[key]; old != nil {
		m.atLeast, m.asked = max(m.atLeast, old.atLeast), old.asked
	}
	l.missing[key] = m
}

// missUnsent notes that a source cannot be shipped for want of its file.
func (l *losses) missUnsent(key source.Key) error {
	seen, ok, err := l.Ledger.Sighting(key)
	if err != nil || !ok {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.missing[key]; m != nil {
		m.unsent = true
	} else if l.active.bySource[key] == nil {
		m := newMissing(time.Now(), table.Deleted, seen.Size, seen)
		m.unsent = true
		l.missing[key] = m
	}
	return nil
}

// found notes that a source is read from a file again. If that is let go before it gave all that is
// missing, the rest still is: see stillOwes. f.mu is held.
func (l *losses) found(f *logFile, key source.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.owes = l.missing[key]
	delete(l.missing, key)
}

// missingUnsealed gives what is known of a missing source of which nothing is sealed. It keeps its
// ordinal until it is declared or that failed, so that a log that only begins like it is not taken for it.
func (l *losses) missingUnsealed(key source.Key) (identity.Points, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.missing[key]
	if m == nil || m.tried || m.seen.Sealed > 0 || len(m.seen.Marks) == 0 {
		return nil, false
	}
	return identity.Points(m.seen.Marks), true
}

// stillOwes notes what is missing of a source again whose file is let go. Both locks are held.
func (l *losses) stillOwes(f *logFile, key source.Key) {
	m := f.owes
	if m == nil {
		return
	}
	f.owes = nil
	again := newMissing(time.Now(), m.reason, m.atLeast, m.seen)
	again.asked = m.asked
	l.missing[key] = again
}

// isSettled reports whether the tail has looked at its files and runs for so long that a file which it
// found at first should have been told which source it is.
func (l *losses) isSettled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.scanner.scanned.IsZero() && time.Since(l.began) >= l.config.set().CloseWait
}

// checkMissing declares what is missing, once no file can be it any more: none is being told who it
// is, and none that ends before what is committed of it may still become it.
func (l *losses) checkMissing(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.missing) == 0 {
		return
	}
	maybe := map[source.Key]bool{}
	for _, f := range l.allFiles() {
		if f.rested != nil && f.there {
			maybe[f.rested.key] = true
		}
		switch f.view.state {
		case isNew:
			if f.busy || f.turn.waits || f.turn.granted || f.stat.Size > 0 && now.Sub(f.moved) < l.config.set().CopyWait {
				return // it may be any of them
			}
		case isUnreadable, isStopped:
			if now.Sub(f.moved) >= l.config.set().CopyWait {
				continue
			}
			if f.view.key == (source.Key{}) {
				return // it may be any of them
			}
			maybe[f.view.key] = true
		case isUndecided:
			if now.Sub(f.moved) < l.config.set().CopyWait {
				maybe[f.view.about] = true
			}
		}
	}
	for key, m := range l.missing {
		if m.putting || maybe[key] || now.Sub(m.since) < l.config.set().CloseWait || l.active.bySource[key] != nil {
			continue
		}
		m.putting = true
		l.wg.Go(func() { l.declare(key, m) })
	}
}

// declare puts the note on bytes that nobody has read, then lets the ledger forget that they were.
// If we die in between, the same is put again.
func (l *losses) declare(key source.Key, m *missingSource) {
	err := l.declareLoss(key, m)
	if err == nil {
		l.mu.Lock()
		if l.missing[key] == m {
			delete(l.missing, key)
		}
		l.mu.Unlock()
		l.uploader.wakeWaiters(key)
		return
	}
	if l.ctx.Err() == nil && fatal(err) {
		l.failed(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	m.putting, m.tried, m.since = false, true, time.Now()
	if l.ctx.Err() == nil && !errors.Is(err, errStillThere) {
		l.Log.Warn("a loss could not be declared yet", append(commit.LogSource(key), "error", err)...)
	}
}

func (l *losses) declareLoss(key source.Key, m *missingSource) error {
	reason, err := l.reasonFor(key, m)
	if err != nil {
		return err
	}
	if reason == "" {
		return errStillThere
	}
	l.mu.Lock()
	m.reason = reason
	l.mu.Unlock()
	select {
	case <-l.uploader.opened:
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
	if !l.stillMissing(key, m) {
		return nil
	}
	ctx, cancel := context.WithTimeout(l.ctx, declareMax)
	defer cancel()
	src, ok, err := l.Ledger.Get(key)
	if serial := m.seen.Serial; err == nil && serial != 0 && (!ok || src.Serial != serial) {
		return nil // it gave its id up: what was sealed of it is held, or is cut again from its file
	}
	if err == nil && !ok { // nothing of it was sealed
		src, ok = &offsets.Source{K: m.seen.K, Sealed: source.Origin()}, true
	}
	if err == nil && l.shelf.askKnown(key, m, src.Sealed.Offset) {
		return errStillThere
	}
	if err == nil && len(src.Outbox) > 0 && m.unsent {
		if err := l.declareUnsent(ctx, key, m); err != nil {
			return err
		}
	}
	if err != nil || src.Sealed.Offset >= m.atLeast {
		return err
	}
	return l.declareUnread(ctx, key, src, m)
}

// errStillThere says that the file of a missing source is where it was and only not followed, or that
// another that may have it is read again.
var errStillThere = errors.New("its file is still there")

// declareMax is how long a sink is tried before it is looked again whether the loss still is one.
const declareMax = time.Minute

// stillMissing reports whether no file has turned up meanwhile.
func (l *losses) stillMissing(key source.Key, m *missingSource) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.missing[key] == m && l.active.bySource[key] == nil
}

// declareUnsent declares batches that were sealed, did not reach the sink and are gone from spool and
// disk, up to the first that is still in the spool: that ships.
func (l *losses) declareUnsent(ctx context.Context, key source.Key, m *missingSource) error {
	w, err := l.SourceOf(key, 0)
	if err != nil {
		return err
	}
	if how, k, err := w.Ordinal.AskPredecessors(ctx); how != commit.AllRefute || err != nil {
		return errors.Join(err, fmt.Errorf("declare a loss of source %s: the one of k %d, which begins "+
			"alike, has to be in the sink first", key.ID, k))
	}
	for len(w.Src.Outbox) > 0 && l.stillMissing(key, m) {
		whole, err := w.Orphans.SpooledWhole(w.Src.Outbox[0])
		if err != nil {
			return err
		}
		if whole {
			break
		}
		if err := l.declareBatch(ctx, w, m); err != nil {
			return err
		}
	}
	l.uploader.wake(key)
	return nil
}

// declareBatch declares the first batch of the outbox. The loss stands at the batch's place, so what
// turns up later goes on behind it or takes it back.
func (l *losses) declareBatch(ctx context.Context, w *commit.Writer, m *missingSource) error {
	e := w.Src.Outbox[0]
	from, to, marks, err := l.chainOver(w.Key, e.Range)
	if err != nil {
		return err
	}
	loss := &table.Loss{
		Format: table.Format, Stream: w.Key.Table.Stream, Version: w.Key.Table.Version,
		Origin: w.Key.Origin, SID: w.Key.ID, K: w.K, Kind: table.Lost, Start: e.Range.Start,
		End: &e.Range.End, Reason: m.reason, ChainIn: from, ChainOut: &to, ChainState: &e.State,
		Marks: marks, Rest: e.Rest,
	}
	if e.Range.Start == 0 {
		if err := w.Ordinal.Begin(ctx, e); err != nil {
			return err
		}
	}
	if err := sink.PutDocument(ctx, l.Store, loss.Key(), loss.JSON()); err != nil {
		return err // somebody else's batch is there: the lane finds it
	}
	// The loss is in the sink. If we die now, its entry finds it there as another's and adopts it.
	err = w.Update(func(s *offsets.Source) error {
		if len(s.Outbox) == 0 || s.Outbox[0] != e {
			return fmt.Errorf("batch %s is not the next to ship", e.Spool)
		}
		s.Outbox, s.Shipped, s.LastStart = s.Outbox[1:], e.Range.End, e.Range.Start
		s.AddLost(e.Range)
		return nil
	})
	if err == nil {
		l.noteLoss(w.Key, m, e.Range.Start, e.Range.End)
	}
	return err
}

// chainOver gives the chain of a source at both ends of a batch and at the marks within it. It is an
// error if the ledger lacks one.
func (l *losses) chainOver(key source.Key, r source.Range) (
	from, to source.Digest, marks []source.Mark, err error,
) {
	ends, err := l.Ledger.Ends(key)
	if err != nil {
		return from, to, nil, err
	}
	chains := map[int64]source.Digest{0: source.Origin().Chain}
	for _, e := range ends {
		chains[e.Offset] = e.Chain
	}
	at := func(off int64) source.Digest {
		chain, ok := chains[off]
		if !ok && err == nil {
			err = fmt.Errorf("the ledger does not know the chain of source %s at %d", key.ID, off)
		}
		return chain
	}
	from, to = at(r.Start), at(r.End)
	for off := source.NextMark(r.Start); off < r.End; off = source.NextMark(off) {
		marks = append(marks, source.Mark{Offset: off, Chain: at(off)})
	}
	return from, to, marks, err
}

// declareUnread notes that there were bytes which nobody has read.
func (l *losses) declareUnread(
	ctx context.Context, key source.Key, src *offsets.Source, m *missingSource,
) error {
	loss := &table.Loss{
		Format: table.Format, Stream: key.Table.Stream, Version: key.Table.Version,
		Origin: key.Origin, SID: key.ID, K: src.K, Kind: table.Note, Start: src.Sealed.Offset,
		AtLeast: &m.atLeast, Reason: m.reason, ChainIn: src.Sealed.Chain,
	}
	err := sink.PutDocument(ctx, l.Store, loss.Key(), loss.JSON())
	if err != nil && !errors.As(err, new(*sink.ConflictError)) { // another note is there already
		return err
	}
	// The note is in the sink. If we die now, it is put again. Since it was decided, the source may have
	// come to be, grown or gone; what is known by then and not in the note stays known.
	// What a look saw of a truncated file, and is more than it had, was of what came after it.
	noted := source.Range{Start: src.Sealed.Offset, End: max(m.atLeast, m.seen.Size)}
	if err = l.Ledger.ForgetSighting(key, noted); err == nil {
		l.noteLoss(key, m, src.Sealed.Offset, m.atLeast)
	}
	return err
}

func (l *losses) noteLoss(key source.Key, m *missingSource, from, to int64) {
	l.board.countLoss(key.Table.Stream, m.reason, to-from)
	l.Log.Error("bytes are lost: nobody can read them any more", append(commit.LogSource(key),
		"path", m.seen.Path, "from", from, "at_least_to", to, "reason", string(m.reason))...)
}
