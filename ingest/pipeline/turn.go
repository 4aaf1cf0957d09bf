package pipeline

import "context"

// turn is a lock that is held while something sleeps: for room in the spool, for the sink, for a slow
// disk.
//
// It is a mutex in all but two things, for which it is a channel. Who waits for it can give up with its
// context, so that nobody has to wait for a wait to end. And who waits for it is known to wait: in a
// bubble of testing/synctest a goroutine at a sync.Mutex counts as running, so that the clock stops and
// what the other sleeps for never comes.
//
// It must be made with newTurn; a zero turn is never free. Locks that are held for a few instructions
// alone stay mutexes.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// Lock waits until the turn is free and takes it.
func (t turn) Lock() { t <- struct{}{} }

// LockWithin is Lock, but gives up when ctx ends: then its error says why and the turn is not taken.
func (t turn) LockWithin(ctx context.Context) error {
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
func (t turn) Unlock() {
	select {
	case <-t:
	default:
		panic("pipeline: unlock of a turn that nobody has")
	}
}
