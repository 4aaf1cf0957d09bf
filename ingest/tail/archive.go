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
func (a *archives) stepArchive(f *followed) error {
	if a.maySkip(f) {
		return nil
	}
	quiet, err := a.quiet(f)
	if err != nil || !quiet {
		return err
	}
	if read, err := a.wasRead(f); read || err != nil {
		return err
	}
	select {
	case a.unpack <- struct{}{}:
		defer func() { <-a.unpack }()
	case <-a.ctx.Done():
		return a.ctx.Err()
	}
	if whole, err := a.isWhole(f); !whole || err != nil {
		return err
	}
	if !a.follower.isOwner(f) {
		known, err := a.resolver.identify(f)
		if err != nil || !known {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer a.follower.publish(f)
	if f.w == nil {
		return nil
	}
	f.w.Sealed = false
	ended, err := a.follower.withView(f, f.size, true, func() (bool, error) { return a.cutArchive(f) })
	if err != nil || !ended {
		return err
	}
	if f.w.Fault == nil {
		// A short log is shorter than its archive.
		if err := a.scanner.forgetNoted(f, max(f.size, a.scanner.notedOf(f))); err != nil {
			return err
		}
	}
	return a.archiveRead(f)
}

// maySkip tells whether the tail is to end and the file will still be there for the next one.
func (a *archives) maySkip(f *followed) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ending && f.there
}

// quiet tells whether a file has not changed since the last poll; else it is due after the next.
func (a *archives) quiet(f *followed) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if stat.Size != f.size {
		f.size, f.lastSize, f.moved = stat.Size, stat.Size, time.Now()
	}
	still := f.moved.Add(a.config.set().PollInterval)
	if !f.there || !time.Now().Before(still) {
		f.final = true // what follows reads what is there
		return true, nil
	}
	a.scheduler.dueBy(f, still)
	return false, nil
}

// isWhole tells whether a compressed file can be read to its end, or has not been written to for so
// long that nobody is at it any more: half of one would be taken for all that its log had.
func (a *archives) isWhole(f *followed) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return false, nil
	}
	a.mu.Lock()
	rested, there := f.moved.Add(a.config.set().CloseWait), f.there
	a.mu.Unlock()
	if !there || !time.Now().Before(rested) {
		return true, nil
	}
	view, err := f.live.Snapshot(0, true)
	if err != nil {
		return false, err
	}
	defer view.Close()
	_, _, err = view.Marks(a.ctx, nil)
	var fault *files.CorruptError
	if err == nil || !errors.As(err, &fault) {
		return err == nil, shrunkLater(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	f.view.standing = isNew
	a.scheduler.dueBy(f, rested)
	return false, nil
}

// wasRead tells whether an earlier run read the file to its end, so that it need not be told again
// who it is.
func (a *archives) wasRead(f *followed) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w != nil || f.live == nil || a.shelf.isWanted(f) {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil {
		return false, err
	}
	rec, ok, err := a.Ledger.GetFile(f.stream().Table(), f.live.Path())
	if err != nil || !ok || rec.State != commit.StateOf(stat) || a.Rehash {
		return false, err
	}
	src, ok, err := a.Ledger.Get(rec.Key)
	if err != nil || !ok || src.Sealed.Offset < rec.Offset || len(src.Lost) > 0 ||
		src.K > 0 && src.Shipped == 0 && !src.LowerRefuted {
		return false, err
	}
	a.shelf.putAway(f, rec.Key, rec.Offset)
	return true, nil
}

// cutArchive seals a compressed file, and tells whether it came to the end.
func (a *archives) cutArchive(f *followed) (ended bool, err error) {
	w := f.w
	from := w.Src.Sealed.Offset
	defer func() { a.accounts.countRead(w.Key.Table.Stream, max(0, w.Src.Sealed.Offset-from)) }()
	for !a.maySkip(f) && !a.uploader.isWaiting(w) {
		more, err := w.TakeSpooled()
		if err == nil && !more {
			more, err = a.cutInTurn(f)
		}
		if err != nil || !more {
			return err == nil, err
		}
	}
	return false, nil
}

func (a *archives) cutInTurn(f *followed) (bool, error) {
	ctx, done := a.follower.mayInterrupt(f)
	defer done()
	endTurn, err := a.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	f.w.Encoded = endTurn
	return f.w.Cut(ctx)
}

// archiveRead lets a compressed file rest that was read to its end. Its source has no owner then: a
// whole copy goes on where this one has a fault.
func (a *archives) archiveRead(f *followed) error {
	w := f.w
	if err := w.Refresh(); err != nil {
		return err
	}
	if needs, err := w.NeedsFileToBegin(); needs || err != nil {
		return err // who it is may have to be asked again before it ships
	}
	if len(w.Src.Lost) > 0 && !a.uploader.isStuck(w.Key) || len(w.Src.Outbox) > 0 && a.uploader.laneWants(w.Key) {
		return nil // its lane takes that back, or needs it
	}
	var stopped *commit.StopError
	err := w.Remember(a.ctx)
	if err != nil && !errors.As(err, &stopped) {
		return err
	}
	a.Log.Info("read a compressed file", append(commit.LogSource(w.Key), "path", f.live.Path(),
		"to", w.Src.Sealed.Offset)...)
	a.active.disown(f)
	if w.Src.Highest > w.Src.Sealed.Offset {
		a.losses.miss(w.Key, newMissing(time.Now(), table.Deleted, w.Src.Highest,
			offsets.Sighting{Serial: w.Src.Serial}))
	}
	a.shelf.putAway(f, w.Key, w.Src.Sealed.Offset)
	a.mu.Lock()
	a.resolver.rouse(f.group, f)
	a.mu.Unlock()
	if stopped != nil {
		a.board.notices.raise(stopped.Problem)
	}
	return nil
}
