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
func (m *memory) weigh(f *followed) {
	now := f.live.Held()
	m.held.Add(now - f.heldNow)
	f.heldNow = now
}

// hasRoom tells whether there is memory enough to hold what cannot be sealed.
func (m *memory) hasRoom() bool { return m.held.Load() <= m.config.set().HoldBytes/2 }

// shortOfMemory tells whether no more is to be read for now. Then the file that holds most is to give
// way.
func (m *memory) shortOfMemory() bool {
	if m.held.Load() <= m.config.set().HoldBytes {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var most *followed
	for _, f := range m.allFiles() {
		if f.view.standing == isOwner && !f.view.bound &&
			(most == nil || f.view.held > most.view.held) {
			most = f
		}
	}
	if most != nil && !most.squeezed {
		most.squeezed = true
		m.scheduler.kick(most)
	}
	return true
}

// giveWay lets go of what is held of a file that is to give way and of which nothing can be sealed. f.mu
// is held.
func (m *memory) giveWay(f *followed) error {
	m.mu.Lock()
	squeezed := f.squeezed
	m.mu.Unlock()
	if !squeezed || f.tried != f.live.Taken() || !f.maySpare() {
		return nil
	}
	left := f.size
	if err := m.forgetHeld(f); err != nil || f.cut {
		return err
	}
	f.left, f.tried = left, -1
	m.mu.Lock()
	f.squeezed, f.view.held = false, f.heldNow
	m.mu.Unlock()
	m.shortOfMemory() // the next one
	return nil
}

// maySpare tells whether what is held of a file is in the file, too, and is not about to be sealed as
// a record that lacks its last part. f.mu is held.
func (f *followed) maySpare() bool { return !f.cut && f.joining.end == 0 }

// forgetHeld lets go of what is held of a file and not sealed. If the file no longer has it, it stays.
// f.mu is held.
func (m *memory) forgetHeld(f *followed) error {
	err := f.live.Forget()
	if errors.As(err, new(*follow.TruncatedError)) {
		m.follower.truncated(f)
		return nil
	}
	if err != nil {
		return err
	}
	f.from = f.live.Taken()
	f.arrived.reset()
	m.weigh(f)
	return nil
}
