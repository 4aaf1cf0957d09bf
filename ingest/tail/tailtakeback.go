package tail

import (
	"context"

	"logseal/ingest/commit"
	"logseal/ingest/table"
)

// takeBack takes back what was declared lost of a source whose file is followed; w has no file. The
// file is held only while a range is sealed again, and one range of all at a time. No room is
// reserved for it, so that it does not wait for those that wait for a lane.
func (t *Tail) takeBack(ctx context.Context, w *commit.Writer) error {
	if t.isEnding() {
		return nil
	}
	if t.owner(w.Key) == nil {
		if len(w.Src.Lost) > 0 && !t.isStuck(w.Key) {
			t.readAgain(w.Key) // its turn was over before anything was taken back
		}
		return nil
	}
	var marks commit.LostMarks
	var of *followed // whose they are
	return w.TakeBackAll(ctx, func(loss *table.Loss) (can bool, err error) {
		if err := commit.SlotOf(ctx).Lock(ctx, t.again); err != nil {
			return false, err
		}
		defer t.again.Unlock()
		o := t.owner(w.Key)
		if o == nil || t.isEnding() {
			return false, commit.ErrAgain
		}
		done, err := t.takeInHand(ctx, o)
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
		_, err = t.withWholeView(o, func() (bool, error) {
			if of != o {
				marks, of = nil, o
			}
			if err := marks.Find(ctx, own, loss); err != nil {
				return false, err
			}
			can, err = own.SealAgain(ctx, loss, marks)
			return false, err
		})
		t.mu.Lock()
		t.kick(o)
		t.mu.Unlock()
		return can, shrunkLater(err)
	})
}
