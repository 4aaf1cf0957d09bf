package commit

import (
	"context"
	"time"

	"logseal/ingest/sink"
)

// slot is the right to be one of the few sources that are shipped at a time. That bounds what a sink has
// to do at once. A source that waits does nothing to the sink, and may do so for days: for one that
// refuses it or cannot do it now, for room on the disk, for its file. So its slot is given back while
// all that is done for it waits, and it holds up nobody.
//
// The context that the work is done under carries the slot, so that whoever waits at the bottom knows
// it. Without a slot nothing of this does anything.
type slot struct {
	free chan struct{} // holds one for each slot that is taken

	mu      Turn // guards what follows; held while the slot is waited for
	held    bool
	calls   int // under way
	waiting int // of those
}

var (
	_ sink.Slot     = (*slot)(nil)
	_ sink.SlotCall = (*slotCall)(nil)
)

// SlotOf gives the slot that ctx carries, nil for none.
func SlotOf(ctx context.Context) *slot {
	s, _ := sink.SlotOf(ctx).(*slot)
	return s
}

// InSlot does something in one of the slots of free.
func InSlot(ctx context.Context, free chan struct{}, do func(context.Context) error) error {
	s := &slot{free: free, mu: NewTurn()}
	if err := s.take(ctx); err != nil {
		return err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.release()
	}()
	return do(sink.WithSlot(ctx, s))
}

// take waits for a slot unless it is held.
func (s *slot) take(ctx context.Context) error {
	if err := s.mu.LockWithin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.held {
		return nil
	}
	select {
	case s.free <- struct{}{}:
		s.held = true
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// release gives the slot back. mu is held.
func (s *slot) release() {
	if s.held {
		s.held = false
		<-s.free
	}
}

// slotCall is something done in a slot that may wait in between. It is one goroutine's.
type slotCall struct {
	s       *slot // nil for none
	waiting bool
}

// Begin implements sink.Slot.
func (s *slot) Begin(ctx context.Context) (sink.SlotCall, error) {
	s.count(1, 0)
	if err := s.take(ctx); err != nil {
		s.count(-1, 0)
		return nil, err
	}
	return &slotCall{s: s}, nil
}

// rest begins a wait for something else than the sink.
func (s *slot) rest() *slotCall {
	if s != nil {
		s.count(1, 1)
	}
	return &slotCall{s: s, waiting: true}
}

// pause ends a wait that was begun by rest, after d.
func (c *slotCall) pause(ctx context.Context, d time.Duration) error {
	defer c.End()
	select {
	case <-time.After(d):
		return c.GoOn(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Lock waits for a turn; with an error it is not taken.
func (s *slot) Lock(ctx context.Context, t Turn) error {
	c := s.rest()
	defer c.End()
	if err := t.LockWithin(ctx); err != nil {
		return err
	}
	err := c.GoOn(ctx)
	if err != nil {
		t.Unlock()
	}
	return err
}

// count keeps account of the calls, and gives the slot back when all of them wait.
func (s *slot) count(calls, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls += calls
	s.waiting += waiting
	if s.calls > 0 && s.waiting == s.calls {
		s.release()
	}
}

// Wait implements sink.SlotCall.
func (c *slotCall) Wait() {
	if c.s != nil && !c.waiting {
		c.waiting = true
		c.s.count(0, 1)
	}
}

// GoOn implements sink.SlotCall: it takes the slot again if that was given back.
func (c *slotCall) GoOn(ctx context.Context) error {
	if c.s == nil || !c.waiting {
		return nil
	}
	c.waiting = false
	c.s.count(0, -1)
	return c.s.take(ctx)
}

// End implements sink.SlotCall. What is done after it without another call leaves the sink alone.
func (c *slotCall) End() {
	switch {
	case c.s == nil:
	case c.waiting:
		c.s.count(-1, -1)
	default:
		c.s.count(-1, 0)
	}
}

// Turn is a lock that is held while something sleeps: for room in the spool, for the sink, for a slow
// disk.
//
// It is a mutex in all but two things, for which it is a channel. Who waits for it can give up with its
// context, so that nobody has to wait for a wait to end. And who waits for it is known to wait: in a
// bubble of testing/synctest a goroutine at a sync.Mutex counts as running, so that the clock stops and
// what the other sleeps for never comes.
//
// It must be made with NewTurn; a zero Turn is never free. Locks that are held for a few instructions
// alone stay mutexes.
type Turn chan struct{}

// NewTurn gives a turn that is free.
func NewTurn() Turn { return make(Turn, 1) }

// Lock waits until the turn is free and takes it.
func (t Turn) Lock() { t <- struct{}{} }

// LockWithin is Lock, but gives up when ctx ends: then its error says why and the turn is not taken.
func (t Turn) LockWithin(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Unlock gives the turn back.
func (t Turn) Unlock() {
	select {
	case <-t:
	default:
		panic("commit: unlock of a turn that nobody has")
	}
}
