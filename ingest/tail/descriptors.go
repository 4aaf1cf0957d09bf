package tail

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"logseal/ingest/commit"
)

// When more files are followed than may be open, they are read by turns. A file whose turn is over is read no
// further, sealed as far as it has records, shipped, and then rests (see resting.go). When it changes it waits
// for its next turn.

// descriptors counts the files that are open. Tail.mu guards it.
type descriptors struct {
	most  int // that may be open; 0 for no bound
	open  int
	queue []*logFile // wait for their turn, the first first
	said  bool       // that there are too few
}

// fileTurn is what a file has to do with its turn. Tail.mu guards it.
type fileTurn struct {
	opened  time.Time // since when the file is open
	waits   bool      // it is in the queue
	granted bool      // it need not wait: a descriptor is kept for it
	over    time.Time // since when it is to be closed as soon as can be
}

func (x *fileTurn) isOver() bool { return !x.over.IsZero() }

// takeDescriptor reports whether a file may be opened now; else it waits for its turn.
func (s *scheduler) takeDescriptor(f *logFile) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.descriptors
	switch {
	case f.turn.granted:
		f.turn.granted = false
	case d.most == 0 || d.open < d.most && len(d.queue) == 0:
		d.open++
	default:
		if !f.turn.waits {
			f.turn.waits = true
			d.queue = append(d.queue, f)
		}
		return false
	}
	f.turn.opened = time.Now()
	return true
}

// giveDescriptor gives back what a file took. Tail.mu is held.
func (s *scheduler) giveDescriptor(f *logFile) {
	f.turn.opened, f.turn.over = time.Time{}, time.Time{}
	s.descriptors.open--
	s.nextTurn()
}

// leaveQueue takes a file out of the queue that is not to be opened any more. Tail.mu is held.
func (s *scheduler) leaveQueue(f *logFile) {
	if f.turn.granted {
		f.turn.granted = false
		s.giveDescriptor(f)
	}
	f.turn.waits = false // who comes to its place in the queue passes it over
}

// nextTurn lets those open their files for which there are descriptors. Tail.mu is held.
func (s *scheduler) nextTurn() {
	d := &s.descriptors
	for d.open < d.most && len(d.queue) > 0 {
		f := d.queue[0]
		d.queue = d.queue[1:]
		if !f.turn.waits {
			continue
		}
		f.turn.waits, f.turn.granted = false, true
		d.open++
		s.schedule(f)
	}
}

// endTurns has as many files closed as others wait. Each has had the time from one look to the next at least.
func (s *scheduler) endTurns(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.descriptors
	waiting := 0
	for _, f := range d.queue {
		if f.turn.waits {
			waiting++
		}
	}
	s.sayScarce(waiting > 0)
	if waiting == 0 {
		return
	}
	for f := range s.ended {
		if !f.turn.opened.IsZero() && !f.view.compressed { // of an archive nothing is in memory
			waiting--
			s.schedule(f)
		}
	}
	var open []*logFile
	for _, f := range s.table {
		switch {
		case f.turn.opened.IsZero() || !f.there || f.waited > 0 || now.Sub(f.turn.opened) < s.config.set().PollInterval:
		case f.turn.isOver():
			waiting--
			s.schedule(f) // what held it up may be over
		default:
			open = append(open, f)
		}
	}
	slices.SortFunc(open, func(a, b *logFile) int {
		return cmp.Or(cmp.Compare(a.costsToClose(), b.costsToClose()), a.turn.opened.Compare(b.turn.opened),
			cmp.Compare(a.path, b.path))
	})
	for _, f := range open[:max(0, min(len(open), waiting))] {
		f.turn.over = now
		s.schedule(f)
	}
}

// costsToClose orders files by what may be lost of them when they are deleted while they are closed: nothing
// of a copy, of a source only what is not sealed of it, all of what is no source yet. Tail.mu is held.
func (f *logFile) costsToClose() int {
	switch f.view.state {
	case isCopy:
		return 0
	case isActive, isStopped:
		return 1
	}
	return 2
}

// descriptorsNotice names the problem that there are too few.
const descriptorsNotice = "open files"

// sayScarce raises the problem that there are too few descriptors while somebody waits, and clears it when
// there would be enough for all that is followed. Tail.mu is held.
func (s *scheduler) sayScarce(somebodyWaits bool) {
	d := &s.descriptors
	if somebodyWaits {
		d.said = true
		s.board.problems.raiseAs(descriptorsNotice, commit.Problem{Kind: commit.Scarce, Message: fmt.Sprintf("more files are followed than the "+
			"limit of open files allows (%d of them at once): they are read by turns, and what is written "+
			"to one that is closed is lost when it is deleted before its turn; raise the limit (ulimit -n, "+
			"LimitNOFILE=) and start again", d.most)})
		return
	}
	if !d.said {
		return
	}
	wanted := d.open
	for _, f := range s.table {
		if f.turn.opened.IsZero() && f.wouldBeOpen() {
			wanted++
		}
	}
	if wanted <= d.most {
		d.said = false
		s.board.problems.clear(descriptorsNotice)
	}
}

// wouldBeOpen reports whether a file that is closed would be open if there were descriptors enough: what was
// read to its end, or is no log, is closed anyway. Tail.mu is held.
func (f *logFile) wouldBeOpen() bool {
	switch f.view.state {
	case isRead, isStopped:
		return f.rested != nil
	case isUnreadable:
		return false
	}
	return true
}

// turnIsOver reports whether a file is not to be read any further for now.
func (s *scheduler) turnIsOver(f *logFile) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.turn.isOver() && f.there && !s.ending
}

// onlyEndsTurn reports whether there is nothing to be done about a file but to close it.
func (s *scheduler) onlyEndsTurn(f *logFile) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.turn.isOver() && f.there && f.view.state == isStopped && f.due.After(time.Now())
}

// endTurn closes a file whose turn is over, if all of it that can be sealed is in the sink, or that was
// truncated while others wait for their turn.
func (s *scheduler) endTurn(f *logFile) error {
	s.mu.Lock()
	over := f.turn.isOver() && f.there && f.waited == 0 && !s.ending
	cut := s.ended[f] && len(s.descriptors.queue) > 0
	s.mu.Unlock()
	if !over && !cut {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.mu.Lock()
	stopped := f.view.state == isStopped
	s.mu.Unlock()
	switch {
	case f.live == nil:
		return nil
	case f.cut && !f.live.Compressed():
		s.memory.closeHandle(f) // all that is left of it is in memory
		return nil
	case f.cut || !over:
		return nil
	case f.w == nil:
		if s.active.unhold(f); !f.cut {
			s.memory.closeFile(f)
		}
		return nil
	case stopped:
		return s.shelf.restStopped(f)
	case f.live.Compressed() && !s.shelf.waitedLong(f), f.final && !f.live.Compressed():
		return nil // it is put away or let go by itself
	}
	return s.shelf.rest(f)
}

// shipAtOnce is how many sources are shipped at once.
func shipAtOnce(cfg Config) int {
	if cfg.ShipAtOnce > 0 {
		return min(cfg.ShipAtOnce, commit.ShippedAtOnce)
	}
	return commit.ShippedAtOnce
}
