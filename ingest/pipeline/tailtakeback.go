package pipeline

import (
	"context"

	"logseal/ingest/table"
)

// takeBack takes back what was declared lost of a source whose file is followed; w has no file. The
// file is held only while a range is sealed again, and one range of all at a time. No room is
// reserved for it, so that it does not wait for those that wait for a lane.
func (t *Tail) takeBack(ctx context.Context, w *work) error {
	if t.isEnding() {
		return nil
	}
	if t.owner(w.key) == nil {
		if len(w.src.Lost) > 0 && !t.isStuck(w.key) {
			t.readAgain(w.key) // its turn was over before anything was taken back
		}
		return nil
	}
	var marks lostMarks
	var of *followed // whose they are
	return w.takeBackAll(ctx, func(loss *table.Loss) (can bool, err error) {
		if err := slotOf(ctx).lock(ctx, t.again); err != nil {
			return false, err
		}
		defer t.again.Unlock()
		o := t.owner(w.key)
		if o == nil || t.isEnding() {
			return false, errAgain
		}
		done, err := t.takeInHand(ctx, o)
		if err != nil {
			return false, err
		}
		defer done()
		if o.cut {
			return false, errAgain
		}
		own, err := o.workOn(w.key)
		if err != nil {
			return false, err
		}
		_, err = t.withWholeView(o, func() (bool, error) {
			if of != o {
				marks, of = nil, o
			}
			if err := marks.find(ctx, own, loss); err != nil {
				return false, err
			}
			can, err = own.sealAgain(ctx, loss, marks)
			return false, err
		})
		t.mu.Lock()
		t.kick(o)
		t.mu.Unlock()
		return can, shrunkLater(err)
	})
}
