package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
)

// scheduler decides which file is attended to and when, and which files are open: a file has one goroutine at a time.
type scheduler struct {
	*Tail

	wake        chan struct{}     // a deadline may have come nearer
	waitingFor  map[*logFile]bool // files that are due at some time
	busy        int               // goroutines that attend to files
	descriptors descriptors
}

// schedule has a file attended to, at once or once more. Tail.mu is held.
func (s *scheduler) schedule(f *logFile) {
	s.dueBy(f, time.Time{})
	if f.busy {
		f.again = true
		return
	}
	f.busy = true
	s.busy++
	s.wg.Go(func() { s.run(f) })
}

// run does what there is to do about a file, until nothing is left.
func (s *scheduler) run(f *logFile) {
	for {
		if s.onlyEndsTurn(f) {
			// It could not be gone on with, and that is not tried again yet.
		} else if err := s.follower.step(f); err != nil {
			s.fault(f, err)
		} else {
			s.board.pulse.settled(f)
			s.board.problems.clear(s.pathOf(f), commit.Failed)
		}
		if err := s.endTurn(f); err != nil {
			s.fault(f, err)
		}
		s.mu.Lock()
		if s.ctx.Err() != nil || !f.again {
			f.busy, f.again = false, false
			s.busy--
			if now := time.Now(); !f.due.IsZero() && !f.due.After(now) {
				s.dueBy(f, now.Add(s.config.set().PollInterval)) // something holds it up
			}
			s.mu.Unlock()
			s.wakeUp()
			return
		}
		f.again = false
		s.mu.Unlock()
	}
}

// fault decides what an error about one file means: what is of that file alone is a problem, and
// the others go on.
func (s *scheduler) fault(f *logFile, err error) {
	path := s.pathOf(f)
	var stopped *commit.StopError
	switch err = commit.AsFault(path, err); {
	case s.ctx.Err() != nil:
	case errors.Is(err, commit.ErrSettleAgain):
		s.active.forget(f)
		s.mu.Lock()
		f.again = true
		s.mu.Unlock()
	case errors.Is(err, commit.ErrAgain), errors.Is(err, context.Canceled):
		s.mu.Lock()
		s.dueBy(f, time.Now().Add(s.config.set().PollInterval))
		s.mu.Unlock()
	case errors.As(err, &stopped):
		s.board.pulse.settled(f)
		if stopped.Kind == commit.Undecided && s.active.giveBack(f, stopped.Problem) {
			return
		}
		s.memory.holdNothing(f)
		s.stopFile(f, stopped.Problem)
	case fatal(err):
		s.failed(err)
	default:
		s.board.pulse.miss(f, err)
		s.stopFile(f, commit.Problem{Kind: commit.Failed, Path: path, Message: fmt.Sprintf("%v; it is retried", err)})
	}
}

// stopFile leaves a file until it changes, or for a while.
func (s *scheduler) stopFile(f *logFile, p commit.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p.Kind {
	case commit.Unreadable:
		f.become(isUnreadable)
	case commit.Undecided:
		f.become(isUndecided)
	default:
		f.become(isStopped)
	}
	wait := stoppedWait
	switch p.Kind {
	case commit.Halted:
		wait = haltedWait
	case commit.Unsupported:
		wait = unreadWait
	}
	f.view.noText = p.Kind == commit.Unsupported
	s.dueBy(f, time.Now().Add(wait))
	s.board.problems.raise(p)
}

// runDue has the files attended to whose time has come, and tells when the next one is due.
func (s *scheduler) runDue(now time.Time) (next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.waitingFor {
		switch {
		case !f.due.After(now):
			s.schedule(f)
		case next.IsZero() || f.due.Before(next):
			next = f.due
		}
	}
	return next
}

// dueBy has a file attended to at a time, if nothing else happens before; the zero time is never.
// Tail.mu is held.
func (s *scheduler) dueBy(f *logFile, at time.Time) {
	f.due = at
	if at.IsZero() {
		delete(s.waitingFor, f)
		return
	}
	s.waitingFor[f] = true
}

// wakeUp lets the director see to what may have become due.
func (s *scheduler) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// underWay reports whether anything is being sealed, and whether anything waits to be shipped that
// could be.
func (s *scheduler) underWay() (sealing, shipping bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.uploader.lanes {
		shipping = shipping || l.busy
	}
	return s.busy > 0, shipping
}

// scheduleFinal has a source's file attended to that can no longer grow: it need not wait for the lane.
func (s *scheduler) scheduleFinal(key source.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.active.bySource[key]; o != nil && o.final {
		s.schedule(o)
	}
}
