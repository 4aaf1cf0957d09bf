package commit

import "context"

// Turn is a lock that is held while something sleeps: for room in the spool, for the sink, for a slow
// disk.
//
// It is a mutex in all but two things, for which it is a channel. Who waits for it can give up with its
// context, so that nobody has to wait for a wait to end. And who waits for it is known to wait: in a
// bubble of testing/synctest a goroutine at a sync.Mutex counts as running, so that the clock stops and
// what the other sleeps for never comes.
//
// It must be made with newTurn; a zero turn is never free. Locks that are held for a few instructions
// alone stay mutexes.
type Turn chan struct{}

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
