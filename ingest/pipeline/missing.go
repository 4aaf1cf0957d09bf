package pipeline

import (
	"errors"
	"fmt"
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
	path    string
	putting bool
}

// findMissing notes the sources that the ledger knows to be longer than what is sealed of them. Those
// that a file turns up for are missing no longer.
func (t *Tail) findMissing() error {
	return t.eachSource(func(key source.Key, src *offsets.Source) error {
		if t.streamOf(key.Table) == nil {
			return nil
		}
		size, err := t.knownSize(key, src)
		if err != nil {
			return err
		}
		if size > src.Sealed.Offset {
			t.missing[key] = &missingSource{since: t.began, reason: seal.Deleted, atLeast: size,
				path: src.Path}
		}
		return nil
	})
}

// knownSize is the largest size that the file of a source was seen to have; 0 when that is not known.
// The size of a compressed file does not tell.
func (t *Tail) knownSize(key source.Key, src *offsets.Source) (int64, error) {
	size := int64(0)
	if src.Marker != (source.Digest{}) {
		size = src.File.Size
	}
	rec, ok, err := t.Ledger.GetFile(key.Table, src.Path)
	if err == nil && ok && rec.Key == key && rec.State.Size == rec.Offset {
		size = max(size, rec.Offset)
	}
	return size, err
}

// miss notes that a source is missing.
func (t *Tail) miss(key source.Key, m *missingSource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.missing[key] = m
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
			if f.busy {
				return
			}
		case isUndecided:
			if now.Sub(f.moved) < t.cfg.CopyWait {
				maybe[f.view.about] = true
			}
		}
	}
	for key, m := range t.missing {
		if m.putting || maybe[key] || now.Sub(m.since) < t.cfg.CloseWait || t.owners[key] != nil {
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
		delete(t.missing, key)
		t.mu.Unlock()
		return
	}
	if t.ctx.Err() == nil && fatal(err) {
		t.failed(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m.putting, m.since = false, time.Now()
	if t.ctx.Err() == nil {
		t.Log.Warn("a loss could not be declared yet", append(logSource(key), "error", err)...)
	}
}

func (t *Tail) declareLoss(key source.Key, m *missingSource) error {
	if reason, err := t.reasonFor(key, m); err != nil {
		return err
	} else if reason == "" {
		return nil
	} else {
		m.reason = reason
	}
	src, ok, err := t.Ledger.Get(key)
	if err != nil || !ok || src.Sealed.Offset >= m.atLeast {
		return err
	}
	select {
	case <-t.opened:
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	loss := &seal.Loss{
		Format: seal.Format, Stream: key.Table.Stream, Version: key.Table.Version,
		Origin: key.Origin, SID: key.ID, K: src.K, Kind: seal.Note, Start: src.Sealed.Offset,
		AtLeast: &m.atLeast, Reason: m.reason, ChainIn: src.Sealed.Chain,
	}
	err = putSmall(t.ctx, t.Store, loss.Key(), loss.JSON())
	if err != nil && !errors.As(err, new(*sink.ConflictError)) { // another note is there already
		return err
	}
	// The note is in the sink. If we die now, it is put again.
	err = t.Ledger.Update(key, func(s *offsets.Source) error {
		s.PutFile(offsets.FileRecord{Path: s.Path, Key: key})
		s.File = offsets.FileState{}
		return nil
	})
	if err != nil {
		return err
	}
	lost := m.atLeast - src.Sealed.Offset
	t.countLoss(key.Table.Stream, m.reason, lost)
	t.Log.Error("bytes are lost: nobody can read them any more", append(logSource(key),
		"path", m.path, "from", src.Sealed.Offset, "at_least_to", m.atLeast,
		"reason", string(m.reason))...)
	return nil
}

// reasonFor looks at the path where a missing source was last seen: "" says that its file is still
// there and only no longer followed.
func (t *Tail) reasonFor(key source.Key, m *missingSource) (seal.LossReason, error) {
	if m.reason == seal.Truncated {
		return m.reason, nil
	}
	src, ok, err := t.Ledger.Get(key)
	if err != nil || !ok {
		return "", err
	}
	f, err := files.Open(t.FS, m.path)
	if err != nil {
		return seal.Deleted, nil
	}
	defer f.Close()
	stat := f.Stat()
	if stat.Dev != src.File.Dev || stat.Inode != src.File.Inode {
		return seal.Deleted, nil
	}
	if f.Compressed() || stat.Size < src.Sealed.Offset {
		return seal.Truncated, nil
	}
	marker, err := f.Marker(src.Sealed.Offset)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.path, err)
	}
	if marker != src.Marker {
		return seal.Truncated, nil
	}
	return "", nil
}

// noteGrowth lets the ledger know, in one transaction a table, which files have more than what is
// sealed of them: if they are gone when it is opened again, so much is known to be lost.
func (t *Tail) noteGrowth() {
	records := map[source.Table][]offsets.FileRecord{}
	t.mu.Lock()
	for _, f := range t.table {
		v := &f.view
		if v.standing != isOwner || f.stat.Size <= v.sealed || f.noted > v.sealed {
			continue
		}
		f.noted = f.stat.Size
		records[v.key.Table] = append(records[v.key.Table], offsets.FileRecord{
			Path: f.path, State: stateOf(f.stat), Key: v.key, Offset: f.stat.Size,
		})
	}
	t.mu.Unlock()
	for table, some := range records {
		if err := t.Ledger.PutFile(table, some...); err != nil && !diskFull(err) {
			t.failed(fmt.Errorf("note in the ledger how long files are: %w", err))
		}
	}
}
