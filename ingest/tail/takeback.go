package tail

import (
	"context"
	"errors"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// takeBack takes back what was declared lost of a source whose file is followed; w has no file. The
// file is held only while a range is sealed again, and one range of all at a time. No room is
// reserved for it, so that it does not wait for those that wait for a lane.
func (u *uploader) takeBack(ctx context.Context, w *commit.Writer) error {
	if u.isEnding() {
		return nil
	}
	if u.resolver.activeFile(w.Key) == nil {
		if len(w.Src.Lost) > 0 && !u.isStuck(w.Key) {
			u.shelf.readAgain(w.Key) // its turn was over before anything was taken back
		}
		return nil
	}
	var marks commit.LostMarks
	var of *logFile // whose they are
	return w.Retrieval.TakeBackAll(ctx, func(loss *table.Loss) (can bool, err error) {
		if err := commit.SlotOf(ctx).Lock(ctx, u.again); err != nil {
			return false, err
		}
		defer u.again.Unlock()
		o := u.resolver.activeFile(w.Key)
		if o == nil || u.isEnding() {
			return false, commit.ErrAgain
		}
		done, err := u.takeInHand(ctx, o)
		if err != nil {
			return false, err
		}
		defer done()
		if o.cut {
			return false, commit.ErrAgain
		}
		own, err := o.workOn(w.Key)
		if err != nil {
			return false, err
		}
		_, err = u.withWholeView(o, func() (bool, error) {
			if of != o {
				marks, of = nil, o
			}
			if err := marks.Find(ctx, own, loss); err != nil {
				return false, err
			}
			can, err = own.Retrieval.SealAgain(ctx, loss, marks)
			return false, err
		})
		u.mu.Lock()
		u.scheduler.schedule(o)
		u.mu.Unlock()
		return can, shrunkLater(err)
	})
}

// onHeld has the files read again that were put away as a source of which batches are held: one of them
// may have these bytes.
func (u *uploader) onHeld(key source.Key) {
	u.shelf.readAgain(key)
	u.noteHeld()
}

// releaseHeldOf removes the held batches whose bytes turned out to be in a source that begins like this one.
func (u *uploader) releaseHeldOf(key source.Key) {
	if !u.board.problems.keeps(commit.HeldPath) {
		return
	}
	f, release := u.Sources.Families.UseOf(key)
	defer release()
	if f == nil {
		return
	}
	some, err := u.ReleaseHeld(f)
	if err != nil && u.ctx.Err() == nil {
		u.Log.Warn("cannot read the held batches", "error", err)
	}
	if some {
		u.noteHeld()
	}
}

// noteHeld keeps what is held among the problems.
func (u *uploader) noteHeld() {
	held, err := u.HeldProblem()
	if err != nil {
		u.Log.Warn("cannot list the held batches", "error", err)
		return
	}
	u.board.problems.keep(commit.HeldPath, held)
}

// shipAllWaiting has everything shipped that earlier runs left.
func (u *uploader) shipAllWaiting() error {
	keys, err := u.Ledger.Waiting()
	if err != nil {
		return err
	}
	for _, key := range keys {
		u.wake(key)
	}
	// A source that the ledger does not have, and batches are aside of, waits for its file.
	return u.Recovery.Each(u.OrphanBatches.Sources(), func(key source.Key, _ *offsets.Source) error {
		u.wake(key)
		return nil
	})
}

// shipLeft ships what waits of a source as far as no file is needed.
func (u *uploader) shipLeft(ctx context.Context, key source.Key) error {
	var k uint64
	if aside := u.OrphanBatches.Of(key); len(aside) > 0 {
		k = aside[0].K
	}
	w, err := u.SourceOf(key, k)
	if err != nil {
		return err
	}
	sealed := w.Src.Sealed.Offset
	err = w.Shipper.ShipLeft(ctx)
	if commit.Stops(err) {
		w.Hold()
	}
	if errors.Is(err, commit.ErrSettleAgain) || w.Src.Sealed.Offset < sealed {
		u.shelf.readAgain(key) // the spool had lost what was read of it
	}
	var stopped *commit.StopError
	u.setLaneWants(key, errors.As(err, &stopped) && stopped.Kind == commit.Gone)
	return err
}

// shipAndCatchUp ships what waits, and what is aside as far as ledger and sink lead up to it.
func (u *uploader) shipAndCatchUp(ctx context.Context, w *commit.Writer) error {
	for {
		before := w.Src.Shipped
		if err := w.Shipper.Ship(ctx); err != nil {
			return err
		}
		u.board.countShippedTo(w.Key, before, w.Src.Shipped)
		more, err := w.Orphans.TakeSpooled()
		if err == nil && !more {
			more, err = w.Shipper.CatchUp(ctx)
		}
		if err != nil || !more {
			return err
		}
	}
}
