package tail

import (
	"errors"

	"logseal/ingest/follow"
)

// What is read and not sealed is held in memory, and together it may take so much. When it takes more,
// nothing more is read, and the file that holds most has to give way: what can be sealed of it is, and
// what cannot, half a line, is let go of, since it is still in the file. It is read again when more of it
// comes, or there is room. What was truncated is in memory alone and stays there.

// weigh keeps account of the memory that a file holds.
func (t *Tail) weigh(f *followed) {
	now := f.live.Held()
	t.held.Add(now - f.heldNow)
	f.heldNow = now
}

// hasRoom tells whether there is memory enough to hold what cannot be sealed.
func (t *Tail) hasRoom() bool { return t.held.Load() <= t.set().HoldBytes/2 }

// shortOfMemory tells whether no more is to be read for now. Then the file that holds most is to give
// way.
func (t *Tail) shortOfMemory() bool {
	if t.held.Load() <= t.set().HoldBytes {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var most *followed
	for _, f := range t.allFiles() {
		if f.view.standing == isOwner && !f.view.bound &&
			(most == nil || f.view.held > most.view.held) {
			most = f
		}
	}
	if most != nil && !most.squeezed {
		most.squeezed = true
		t.kick(most)
	}
	return true
}

// giveWay lets go of what is held of a file that is to give way and of which nothing can be sealed. f.mu
// is held.
func (t *Tail) giveWay(f *followed) error {
	t.mu.Lock()
	squeezed := f.squeezed
	t.mu.Unlock()
	if !squeezed || f.tried != f.live.Taken() || !f.maySpare() {
		return nil
	}
	left := f.size
	if err := t.forgetHeld(f); err != nil || f.cut {
		return err
	}
	f.left, f.tried = left, -1
	t.mu.Lock()
	f.squeezed, f.view.held = false, f.heldNow
	t.mu.Unlock()
	t.shortOfMemory() // the next one
	return nil
}

// maySpare tells whether what is held of a file is in the file, too, and is not about to be sealed as
// a record that lacks its last part. f.mu is held.
func (f *followed) maySpare() bool { return !f.cut && f.joining.end == 0 }

// forgetHeld lets go of what is held of a file and not sealed. If the file no longer has it, it stays.
// f.mu is held.
func (t *Tail) forgetHeld(f *followed) error {
	err := f.live.Forget()
	if errors.As(err, new(*follow.TruncatedError)) {
		t.truncated(f)
		return nil
	}
	if err != nil {
		return err
	}
	f.from = f.live.Taken()
	f.arrived.reset()
	t.weigh(f)
	return nil
}
