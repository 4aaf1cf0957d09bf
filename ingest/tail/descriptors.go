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
	queue []*followed // wait for their turn, the first first
	said  bool        // that there are too few
}

// fileTurn is what a file has to do with its turn. Tail.mu guards it.
type fileTurn struct {
	opened  time.Time // since when the file is open
	waits   bool      // it is in the queue
	granted bool      // it need not wait: a descriptor is kept for it
	over    time.Time // since when it is to be closed as soon as can be
}

func (x *fileTurn) isOver() bool { return !x.over.IsZero() }

// takeDescriptor tells whether a file may be opened now; else it waits for its turn.
func (t *Tail) takeDescriptor(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &t.descriptors
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
func (t *Tail) giveDescriptor(f *followed) {
	f.turn.opened, f.turn.over = time.Time{}, time.Time{}
	t.descriptors.open--
	t.nextTurn()
}

// leaveQueue takes a file out of the queue that is not to be opened any more. Tail.mu is held.
func (t *Tail) leaveQueue(f *followed) {
	if f.turn.granted {
		f.turn.granted = false
		t.giveDescriptor(f)
	}
	f.turn.waits = false // who comes to its place in the queue passes it over
}

// nextTurn lets those open their files for which there are descriptors. Tail.mu is held.
func (t *Tail) nextTurn() {
	d := &t.descriptors
	for d.open < d.most && len(d.queue) > 0 {
		f := d.queue[0]
		d.queue = d.queue[1:]
		if !f.turn.waits {
			continue
		}
		f.turn.waits, f.turn.granted = false, true
		d.open++
		t.kick(f)
	}
}

// endTurns has as many files closed as others wait. Each has had the time from one look to the next at least.
func (t *Tail) endTurns(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &t.descriptors
	waiting := 0
	for _, f := range d.queue {
		if f.turn.waits {
			waiting++
		}
	}
	t.sayScarce(waiting > 0)
	if waiting == 0 {
		return
	}
	for f := range t.ended {
		if !f.turn.opened.IsZero() && !f.view.compressed { // of an archive nothing is in memory
			waiting--
			t.kick(f)
		}
	}
	var open []*followed
	for _, f := range t.table {
		switch {
		case f.turn.opened.IsZero() || !f.there || f.waited > 0 || now.Sub(f.turn.opened) < t.set().PollInterval:
		case f.turn.isOver():
			waiting--
			t.kick(f) // what held it up may be over
		default:
			open = append(open, f)
		}
	}
	slices.SortFunc(open, func(a, b *followed) int {
		return cmp.Or(cmp.Compare(a.costsToClose(), b.costsToClose()), a.turn.opened.Compare(b.turn.opened),
			cmp.Compare(a.path, b.path))
	})
	for _, f := range open[:max(0, min(len(open), waiting))] {
		f.turn.over = now
		t.kick(f)
	}
}

// costsToClose orders files by what may be lost of them when they are deleted while they are closed: nothing
// of a copy, of a source only what is not sealed of it, all of what is no source yet. Tail.mu is held.
func (f *followed) costsToClose() int {
	switch f.view.standing {
	case isCopy:
		return 0
	case isOwner, isStopped:
		return 1
	}
	return 2
}

// descriptorsNotice names the problem that there are too few.
const descriptorsNotice = "open files"

// sayScarce raises the problem that there are too few descriptors while somebody waits, and clears it when
// there would be enough for all that is followed. Tail.mu is held.
func (t *Tail) sayScarce(somebodyWaits bool) {
	d := &t.descriptors
	if somebodyWaits {
		d.said = true
		t.notices.raiseAs(descriptorsNotice, commit.Problem{Kind: commit.Scarce, Message: fmt.Sprintf("more files are followed than the "+
			"limit of open files allows (%d of them at once): they are read by turns, and what is written "+
			"to one that is closed is lost when it is deleted before its turn; raise the limit (ulimit -n, "+
			"LimitNOFILE=) and start again", d.most)})
		return
	}
	if !d.said {
		return
	}
	wanted := d.open
	for _, f := range t.table {
		if f.turn.opened.IsZero() && f.wouldBeOpen() {
			wanted++
		}
	}
	if wanted <= d.most {
		d.said = false
		t.notices.clear(descriptorsNotice)
	}
}

// wouldBeOpen tells whether a file that is closed would be open if there were descriptors enough: what was
// read to its end, or is no log, is closed anyway. Tail.mu is held.
func (f *followed) wouldBeOpen() bool {
	switch f.view.standing {
	case isRead, isStopped:
		return f.rested != nil
	case isUnreadable:
		return false
	}
	return true
}

// turnIsOver tells whether a file is not to be read any further for now.
func (t *Tail) turnIsOver(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.turn.isOver() && f.there && !t.ending
}

// onlyEndsTurn tells whether there is nothing to be done about a file but to close it.
func (t *Tail) onlyEndsTurn(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.turn.isOver() && f.there && f.view.standing == isStopped && f.due.After(time.Now())
}

// endTurn closes a file whose turn is over, if all of it that can be sealed is in the sink, or that was
// truncated while others wait for their turn.
func (t *Tail) endTurn(f *followed) error {
	t.mu.Lock()
	over := f.turn.isOver() && f.there && f.waited == 0 && !t.ending
	cut := t.ended[f] && len(t.descriptors.queue) > 0
	t.mu.Unlock()
	if !over && !cut {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t.mu.Lock()
	stopped := f.view.standing == isStopped
	t.mu.Unlock()
	switch {
	case f.live == nil:
		return nil
	case f.cut && !f.live.Compressed():
		t.closeHandle(f) // all that is left of it is in memory
		return nil
	case f.cut || !over:
		return nil
	case f.w == nil:
		if t.unhold(f); !f.cut {
			t.closeFile(f)
		}
		return nil
	case stopped:
		return t.restStopped(f)
	case f.live.Compressed() && !t.waitedLong(f), f.final && !f.live.Compressed():
		return nil // it is put away or let go by itself
	}
	return t.rest(f)
}

// shipAtOnce is how many sources are shipped at once.
func shipAtOnce(cfg TailConfig) int {
	if cfg.ShipAtOnce > 0 {
		return min(cfg.ShipAtOnce, commit.ShippedAtOnce)
	}
	return commit.ShippedAtOnce
}
