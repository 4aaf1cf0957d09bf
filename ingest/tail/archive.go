package tail

import (
	"errors"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/table"
)

// stepArchive reads a compressed file, once it has not changed for a while: it is written in one go
// and then stays. If it changes after all it is looked at anew.
func (t *Tail) stepArchive(f *followed) error {
	if t.maySkip(f) {
		return nil
	}
	quiet, err := t.quiet(f)
	if err != nil || !quiet {
		return err
	}
	if read, err := t.wasRead(f); read || err != nil {
		return err
	}
	select {
	case t.unpack <- struct{}{}:
		defer func() { <-t.unpack }()
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	if whole, err := t.isWhole(f); !whole || err != nil {
		return err
	}
	if !t.isOwner(f) {
		known, err := t.identify(f)
		if err != nil || !known {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer t.publish(f)
	if f.w == nil {
		return nil
	}
	f.w.Sealed = false
	ended, err := t.withView(f, f.size, true, func() (bool, error) { return t.cutArchive(f) })
	if err != nil || !ended {
		return err
	}
	if f.w.Fault == nil {
		// A short log is shorter than its archive.
		if err := t.forgetNoted(f, max(f.size, t.notedOf(f))); err != nil {
			return err
		}
	}
	return t.archiveRead(f)
}

// maySkip tells whether the tail is to end and the file will still be there for the next one.
func (t *Tail) maySkip(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending && f.there
}

// quiet tells whether a file has not changed since the last poll; else it is due after the next.
func (t *Tail) quiet(f *followed) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if stat.Size != f.size {
		f.size, f.lastSize, f.moved = stat.Size, stat.Size, time.Now()
	}
	still := f.moved.Add(t.set().PollInterval)
	if !f.there || !time.Now().Before(still) {
		f.final = true // what follows reads what is there
		return true, nil
	}
	t.dueBy(f, still)
	return false, nil
}

// isWhole tells whether a compressed file can be read to its end, or has not been written to for so
// long that nobody is at it any more: half of one would be taken for all that its log had.
func (t *Tail) isWhole(f *followed) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return false, nil
	}
	t.mu.Lock()
	rested, there := f.moved.Add(t.set().CloseWait), f.there
	t.mu.Unlock()
	if !there || !time.Now().Before(rested) {
		return true, nil
	}
	view, err := f.live.Snapshot(0, true)
	if err != nil {
		return false, err
	}
	defer view.Close()
	_, _, err = view.Marks(t.ctx, nil)
	var fault *files.CorruptError
	if err == nil || !errors.As(err, &fault) {
		return err == nil, shrunkLater(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f.view.standing = isNew
	t.dueBy(f, rested)
	return false, nil
}

// wasRead tells whether an earlier run read the file to its end, so that it need not be told again
// who it is.
func (t *Tail) wasRead(f *followed) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w != nil || f.live == nil || t.isWanted(f) {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil {
		return false, err
	}
	rec, ok, err := t.Ledger.GetFile(f.stream().Table(), f.live.Path())
	if err != nil || !ok || rec.State != commit.StateOf(stat) || t.Rehash {
		return false, err
	}
	src, ok, err := t.Ledger.Get(rec.Key)
	if err != nil || !ok || src.Sealed.Offset < rec.Offset || len(src.Lost) > 0 ||
		src.K > 0 && src.Shipped == 0 && !src.LowerRefuted {
		return false, err
	}
	t.putAway(f, rec.Key, rec.Offset)
	return true, nil
}

// cutArchive seals a compressed file, and tells whether it came to the end.
func (t *Tail) cutArchive(f *followed) (ended bool, err error) {
	w := f.w
	from := w.Src.Sealed.Offset
	defer func() { t.countRead(w.Key.Table.Stream, max(0, w.Src.Sealed.Offset-from)) }()
	for !t.maySkip(f) && !t.isWaiting(w) {
		more, err := w.TakeSpooled()
		if err == nil && !more {
			more, err = t.cutInTurn(f)
		}
		if err != nil || !more {
			return err == nil, err
		}
	}
	return false, nil
}

func (t *Tail) cutInTurn(f *followed) (bool, error) {
	ctx, done := t.mayInterrupt(f)
	defer done()
	endTurn, err := t.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	f.w.Encoded = endTurn
	return f.w.Cut(ctx)
}

// archiveRead lets a compressed file rest that was read to its end. Its source has no owner then: a
// whole copy goes on where this one has a fault.
func (t *Tail) archiveRead(f *followed) error {
	w := f.w
	if err := w.Refresh(); err != nil {
		return err
	}
	if needs, err := w.NeedsFileToBegin(); needs || err != nil {
		return err // who it is may have to be asked again before it ships
	}
	if len(w.Src.Lost) > 0 && !t.isStuck(w.Key) || len(w.Src.Outbox) > 0 && t.laneWants(w.Key) {
		return nil // its lane takes that back, or needs it
	}
	var stopped *commit.StopError
	err := w.Remember(t.ctx)
	if err != nil && !errors.As(err, &stopped) {
		return err
	}
	t.Log.Info("read a compressed file", append(commit.LogSource(w.Key), "path", f.live.Path(),
		"to", w.Src.Sealed.Offset)...)
	t.disown(f)
	if w.Src.Highest > w.Src.Sealed.Offset {
		t.miss(w.Key, newMissing(time.Now(), table.Deleted, w.Src.Highest,
			offsets.Sighting{Serial: w.Src.Serial}))
	}
	t.putAway(f, w.Key, w.Src.Sealed.Offset)
	t.mu.Lock()
	t.rouse(f.group, f)
	t.mu.Unlock()
	if stopped != nil {
		t.notices.raise(stopped.Problem)
	}
	return nil
}
