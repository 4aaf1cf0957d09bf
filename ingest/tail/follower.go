package tail

import (
	"context"
	"errors"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
)

// follower does what there is to do about one file: opens, reads, seals and ends it.
type follower struct {
	*Tail
}

// step does all that there is to do about a file now.
func (u *follower) step(f *logFile) error {
	if u.shelf.mayStayClosed(f) {
		return nil
	}
	u.shelf.wakeIfRested(f)
	live, err := u.openFile(f)
	if err != nil || live == nil {
		return err
	}
	if live.Compressed() {
		return u.shelf.stepArchive(f)
	}
	if !u.isOwner(f) {
		known, err := u.resolver.identify(f)
		if err != nil || !known {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer u.publish(f)
	if f.w != nil {
		f.w.Stream = f.stream().Stream
		if u.active.isStale(f) || f.cut {
			if err := f.w.Shipper.Refresh(); err != nil {
				return err
			}
		}
		if held, err := u.active.holdIfAnother(f); held || err != nil {
			return err
		}
	}
	if err := u.readAndSeal(f); err != nil {
		return err
	}
	switch {
	case u.ctx.Err() != nil:
	case f.of.removed.Load():
		u.letGo(f) // what is complete of it is sealed
	case f.w != nil && f.final:
		return u.finish(f)
	}
	return nil
}

// readAndSeal reads the file and seals what is due, as long as there is more. f.mu is held.
func (u *follower) readAndSeal(f *logFile) error {
	for last := false; f.w != nil && u.ctx.Err() == nil; {
		// When the tail ends it reads once more and not again: somebody may write faster than it seals.
		switch {
		case last:
		case u.scheduler.turnIsOver(f) && !f.cut:
			u.memory.wasTruncated(f)
		default:
			if err := u.memory.read(f); err != nil {
				return err
			}
		}
		last = u.isEnding()
		if more, err := u.cutDue(f); !more || err != nil {
			return err
		}
	}
	return nil
}

// cutDue seals a batch of the file if one is due; false when there is nothing more to seal now.
func (u *follower) cutDue(f *logFile) (bool, error) {
	if more, err := u.cutEnded(f); more || err != nil {
		return more, err
	}
	if !u.wantsCut(f) && !f.joining.over(time.Now()) {
		return false, u.memory.giveWay(f)
	}
	more, err := u.cutNext(f) // the last part may have come
	if more || err != nil || f.w == nil {
		return more, err
	}
	f.tried = f.live.Taken()
	if f.direct {
		f.direct, f.left = false, f.size
	}
	u.noteJoining(f)
	if more, err = u.endJoining(f); more || err != nil {
		return more, err
	}
	if more, err = u.cutEnded(f); more || err != nil {
		return more, err
	}
	return false, u.memory.giveWay(f)
}

func (u *follower) isOwner(f *logFile) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.w != nil
}

// wantsCut reports whether what is there of the file is to be sealed now. f.mu is held.
func (u *follower) wantsCut(f *logFile) bool {
	unsealed := f.live.Taken() > f.w.Src.Sealed.Offset && !f.hollow
	if !u.isUrgent(f) && u.uploader.isWaiting(f.w) {
		return false // one batch of it waits in the spool already
	}
	if u.memory.backlog(f) {
		return true
	}
	if f.final && !f.hollow {
		return unsealed || !f.cut && f.size > f.w.Src.Sealed.Offset
	}
	if !unsealed {
		return len(u.OrphanBatches.Of(f.w.Key)) > 0
	}
	if f.tried == f.live.Taken() {
		return false // a half line, and nothing has come since
	}
	if u.isUrgent(f) {
		return true // what is in memory alone does not survive us, so it is sealed at once
	}
	return !time.Now().Before(f.arrived.oldest().Add(f.stream().MaxAge))
}

// isUrgent reports whether what was read of the file is not to wait for anything.
func (u *follower) isUrgent(f *logFile) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return f.squeezed || f.turn.isOver() || f.cut || !f.there || u.ending
}

// cutNext seals the next batch of the file; false when there is nothing to seal. f.mu is held.
func (u *follower) cutNext(f *logFile) (bool, error) {
	w := f.w
	if err := w.Shipper.Refresh(); err != nil {
		return false, err
	}
	if held, err := u.active.holdIfAnother(f); held || err != nil {
		return false, err
	}
	more, err := w.Orphans.TakeSpooled()
	if err == nil && more {
		if held, err := u.active.holdIfAnother(f); held || err != nil {
			return false, err
		}
	} else if err == nil {
		more, err = u.sealNext(f)
	}
	if (err != nil || f.live.Lost()) && !f.cut && u.memory.wasTruncated(f) {
		// It was truncated while it was sealed straight from the file. What is in memory is left, and some
		// of that may have been sealed.
		return true, u.resume(f)
	}
	if f.cut && errors.As(err, new(*files.ShrunkError)) {
		f.hollow, f.w.Cutter.OpenRecord = true, 0
		return false, nil
	}
	if err != nil || !more {
		return false, err
	}
	u.mu.Lock()
	f.squeezed = false
	u.mu.Unlock()
	if past := w.Src.Sealed.Offset - f.live.Taken(); past > 0 {
		u.board.countRead(w.Key.Table.Stream, past) // straight from the file
	}
	return true, u.resume(f)
}

func (u *follower) sealNext(f *logFile) (bool, error) {
	ctx, done := u.mayInterrupt(f)
	defer done()
	endTurn, err := u.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	f.w.Cutter.OnEncoded = endTurn
	end := f.live.Taken()
	if u.memory.backlog(f) || f.final && !f.cut {
		end = max(end, f.size) // of a few first bytes a follow.File cannot tell whether they are a log's
	}
	return u.withView(f, end, f.final && !f.hadMore(), func() (bool, error) { return f.w.Cutter.Cut(ctx) })
}

// mayInterrupt gives a context for a cut that a lane ends which needs the file: the cut may wait for
// room that only the lane can make.
func (u *follower) mayInterrupt(f *logFile) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(u.ctx)
	u.mu.Lock()
	f.interrupt = cancel
	if f.waited > 0 {
		cancel(commit.ErrAgain)
	}
	u.mu.Unlock()
	return ctx, func() {
		u.mu.Lock()
		f.interrupt = nil
		u.mu.Unlock()
		cancel(nil)
	}
}

// withView runs do while the work has a view of the file's bytes up to end; finished says that the
// source ends there. f.mu is held.
func (u *follower) withView(
	f *logFile, end int64, finished bool, do func() (bool, error),
) (bool, error) {
	view, err := f.live.Snapshot(end, finished)
	if err != nil {
		return false, err
	}
	w := f.w
	w.File, w.Path, w.State = view, f.live.Path(), commit.StateOf(view.Stat())
	w.State.Size = f.lastSize
	defer func() {
		w.Cutter.DropReader()
		w.File = nil
		view.Close()
	}()
	return do()
}

// resume lets what is held follow the sealed offset, wherever that has gone. f.mu is held.
func (u *follower) resume(f *logFile) error {
	at := f.w.Src.Sealed.Offset
	defer u.memory.weigh(f)
	f.tried, f.direct, f.hollow, f.left = -1, false, false, 0
	if f.live.Compressed() {
		return nil // it is read whole
	}
	if at >= f.from && at <= f.live.Taken() || f.cut {
		f.live.Release(at)
	} else if err := u.beginAt(f, at); err != nil {
		return err
	}
	f.from = at
	f.arrived.sealed(at)
	if f.live.Taken() <= at {
		f.arrived.reset()
	}
	err := u.learnLine(f)
	f.at = f.w.Src.Sealed
	return err
}

// beginAt begins to read the file at the sealed offset, if it still has the bytes before that.
func (u *follower) beginAt(f *logFile, at int64) error {
	err := f.live.Begin(at)
	same := false
	if err == nil {
		same, err = u.stillHas(f, at)
	}
	switch {
	case err != nil && !errors.As(err, new(*files.ShrunkError)):
		return err
	case same:
		return nil
	}
	f.live.Abandon()
	u.truncated(f)
	return nil
}

// stillHas reports whether the file has the bytes before the sealed offset that were sealed.
func (u *follower) stillHas(f *logFile, at int64) (bool, error) {
	view, err := f.live.Snapshot(at, false)
	if err != nil {
		return false, err
	}
	defer view.Close()
	return commit.HasSealed(u.ctx, view, f.w.Src)
}
