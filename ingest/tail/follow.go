package tail

import (
	"context"
	"errors"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
)

// step does all that there is to do about a file now.
func (t *Tail) step(f *followed) error {
	if t.mayStayClosed(f) {
		return nil
	}
	t.wakeIfRested(f)
	live, err := t.openFile(f)
	if err != nil || live == nil {
		return err
	}
	if live.Compressed() {
		return t.stepArchive(f)
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
	if f.w != nil {
		f.w.Stream = f.stream().Stream
		if t.isStale(f) || f.cut {
			if err := f.w.Refresh(); err != nil {
				return err
			}
		}
		if held, err := t.holdIfAnother(f); held || err != nil {
			return err
		}
	}
	for last := false; f.w != nil && t.ctx.Err() == nil; {
		// When the tail ends it reads once more and not again: somebody may write faster than it seals.
		switch {
		case last:
		case t.turnIsOver(f) && !f.cut:
			t.wasTruncated(f)
		default:
			if err := t.read(f); err != nil {
				return err
			}
		}
		last = t.isEnding()
		more, err := t.cutDue(f)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	switch {
	case t.ctx.Err() != nil:
	case f.of.removed.Load():
		t.letGo(f) // what is complete of it is sealed
	case f.w != nil && f.final:
		return t.finish(f)
	}
	return nil
}

// cutDue seals a batch of the file if one is due; false when there is nothing more to seal now.
func (t *Tail) cutDue(f *followed) (bool, error) {
	if more, err := t.cutEnded(f); more || err != nil {
		return more, err
	}
	if !t.wantsCut(f) && !f.joining.over(time.Now()) {
		return false, t.giveWay(f)
	}
	more, err := t.cutNext(f) // the last part may have come
	if more || err != nil || f.w == nil {
		return more, err
	}
	f.tried = f.live.Taken()
	if f.direct {
		f.direct, f.left = false, f.size
	}
	t.noteJoining(f)
	if more, err = t.endJoining(f); more || err != nil {
		return more, err
	}
	if more, err = t.cutEnded(f); more || err != nil {
		return more, err
	}
	return false, t.giveWay(f)
}

func (t *Tail) isOwner(f *followed) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.w != nil
}

// wantsCut tells whether what is there of the file is to be sealed now. f.mu is held.
func (t *Tail) wantsCut(f *followed) bool {
	unsealed := f.live.Taken() > f.w.Src.Sealed.Offset && !f.hollow
	if !t.isUrgent(f) && t.isWaiting(f.w) {
		return false // one batch of it waits in the spool already
	}
	if t.backlog(f) {
		return true
	}
	if f.final && !f.hollow {
		return unsealed || !f.cut && f.size > f.w.Src.Sealed.Offset
	}
	if !unsealed {
		return len(t.Aside.Of(f.w.Key)) > 0
	}
	if f.tried == f.live.Taken() {
		return false // a half line, and nothing has come since
	}
	if t.isUrgent(f) {
		return true // what is in memory alone does not survive us, so it is sealed at once
	}
	return !time.Now().Before(f.arrived.oldest().Add(f.stream().MaxAge))
}

// isUrgent reports whether what was read of the file is not to wait for anything.
func (t *Tail) isUrgent(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.squeezed || f.turn.isOver() || f.cut || !f.there || t.ending
}

// cutNext seals the next batch of the file; false when there is nothing to seal. f.mu is held.
func (t *Tail) cutNext(f *followed) (bool, error) {
	w := f.w
	if err := w.Refresh(); err != nil {
		return false, err
	}
	if held, err := t.holdIfAnother(f); held || err != nil {
		return false, err
	}
	more, err := w.TakeSpooled()
	if err == nil && more {
		if held, err := t.holdIfAnother(f); held || err != nil {
			return false, err
		}
	} else if err == nil {
		more, err = t.sealNext(f)
	}
	if (err != nil || f.live.Lost()) && !f.cut && t.wasTruncated(f) {
		// It was truncated while it was sealed straight from the file. What is in memory is left, and some
		// of that may have been sealed.
		return true, t.resume(f)
	}
	if f.cut && errors.As(err, new(*files.ShrunkError)) {
		f.hollow, f.w.OpenRecord = true, 0
		return false, nil
	}
	if err != nil || !more {
		return false, err
	}
	t.mu.Lock()
	f.squeezed = false
	t.mu.Unlock()
	if past := w.Src.Sealed.Offset - f.live.Taken(); past > 0 {
		t.countRead(w.Key.Table.Stream, past) // straight from the file
	}
	return true, t.resume(f)
}

func (t *Tail) sealNext(f *followed) (bool, error) {
	ctx, done := t.mayInterrupt(f)
	defer done()
	endTurn, err := t.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	f.w.Encoded = endTurn
	end := f.live.Taken()
	if t.backlog(f) || f.final && !f.cut {
		end = max(end, f.size) // of a few first bytes a follow.File cannot tell whether they are a log's
	}
	return t.withView(f, end, f.final && !f.hadMore(), func() (bool, error) { return f.w.Cut(ctx) })
}

// mayInterrupt gives a context for a cut that a lane ends which needs the file: the cut may wait for
// room that only the lane can make.
func (t *Tail) mayInterrupt(f *followed) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(t.ctx)
	t.mu.Lock()
	f.interrupt = cancel
	if f.waited > 0 {
		cancel(commit.ErrAgain)
	}
	t.mu.Unlock()
	return ctx, func() {
		t.mu.Lock()
		f.interrupt = nil
		t.mu.Unlock()
		cancel(nil)
	}
}

// withView runs do while the work has a view of the file's bytes up to end; finished says that the
// source ends there. f.mu is held.
func (t *Tail) withView(
	f *followed, end int64, finished bool, do func() (bool, error),
) (bool, error) {
	view, err := f.live.Snapshot(end, finished)
	if err != nil {
		return false, err
	}
	w := f.w
	w.File, w.Path, w.State = view, f.live.Path(), commit.StateOf(view.Stat())
	w.State.Size = f.lastSize
	defer func() {
		w.DropReader()
		w.File = nil
		view.Close()
	}()
	return do()
}

// resume lets what is held follow the sealed offset, wherever that has gone. f.mu is held.
func (t *Tail) resume(f *followed) error {
	at := f.w.Src.Sealed.Offset
	defer t.weigh(f)
	f.tried, f.direct, f.hollow, f.left = -1, false, false, 0
	if f.live.Compressed() {
		return nil // it is read whole
	}
	if at >= f.from && at <= f.live.Taken() || f.cut {
		f.live.Release(at)
	} else if err := t.beginAt(f, at); err != nil {
		return err
	}
	f.from = at
	f.arrived.sealed(at)
	if f.live.Taken() <= at {
		f.arrived.reset()
	}
	err := t.learnLine(f)
	f.at = f.w.Src.Sealed
	return err
}

// beginAt begins to read the file at the sealed offset, if it still has the bytes before that.
func (t *Tail) beginAt(f *followed, at int64) error {
	err := f.live.Begin(at)
	same := false
	if err == nil {
		same, err = t.stillHas(f, at)
	}
	switch {
	case err != nil && !errors.As(err, new(*files.ShrunkError)):
		return err
	case same:
		return nil
	}
	f.live.Abandon()
	t.truncated(f)
	return nil
}

// stillHas tells whether the file has the bytes before the sealed offset that were sealed.
func (t *Tail) stillHas(f *followed, at int64) (bool, error) {
	view, err := f.live.Snapshot(at, false)
	if err != nil {
		return false, err
	}
	defer view.Close()
	return commit.HasSealed(t.ctx, view, f.w.Src)
}
