package tail

import (
	"context"

	"logseal/ingest/commit"
	"logseal/ingest/table"
)

// takeBack takes back what was declared lost of a source whose file is followed; w has no file. The
// file is held only while a range is sealed again, and one range of all at a time. No room is
// reserved for it, so that it does not wait for those that wait for a lane.
func (u *uploader) takeBack(ctx context.Context, w *commit.Writer) error {
	if u.isEnding() {
		return nil
	}
	if u.resolver.owner(w.Key) == nil {
		if len(w.Src.Lost) > 0 && !u.isStuck(w.Key) {
			u.shelf.readAgain(w.Key) // its turn was over before anything was taken back
		}
		return nil
	}
	var marks commit.LostMarks
	var of *followed // whose they are
	return w.TakeBackAll(ctx, func(loss *table.Loss) (can bool, err error) {
		if err := commit.SlotOf(ctx).Lock(ctx, u.again); err != nil {
			return false, err
		}
		defer u.again.Unlock()
		o := u.resolver.owner(w.Key)
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
			can, err = own.SealAgain(ctx, loss, marks)
			return false, err
		})
		u.mu.Lock()
		u.scheduler.kick(o)
		u.mu.Unlock()
		return can, shrunkLater(err)
	})
}
