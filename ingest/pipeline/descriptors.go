package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// When more files are followed than may be open, they are read by turns. A file whose turn is over is sealed
// as far as it has records, shipped, and then rests: it is closed and left in the table. When it changes it
// waits for its next turn and is told who it is as after a restart, by its inode and what is before the
// sealed offset.
//
// A file that rests is not held: what nobody has read of it goes with it when it is deleted. What a look saw
// of it beyond what is sealed is in the ledger, so that it is declared.

// descriptors counts the files that are open. Tail.mu guards it.
type descriptors struct {
	most  int // that may be open; 0 for no bound
	open  int
	queue []*followed // wait for their turn, the first first
}

// turnOf is what a file has to do with its turn. Tail.mu guards it.
type turnOf struct {
	opened  time.Time // since when the file is open
	waits   bool      // it is in the queue
	granted bool      // it need not wait: a descriptor is kept for it
	over    bool      // it is to be closed as soon as can be
}

// restedAs is the source that a file was read as before it rested. Its offset is how far that was sealed.
type restedAs struct {
	key    source.Key
	k      uint64
	serial uint64
	sealed int64
	marks  []source.Mark
}

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
	f.turn.opened, f.turn.over = time.Time{}, false
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

// endTurns has as many files closed as others wait, those first that have been open longest. Each has had
// the time from one look to the next at least.
func (t *Tail) endTurns(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &t.descriptors
	if len(d.queue) == 0 {
		if len(t.table) <= d.most {
			t.notices.clear(descriptorsNotice)
		}
		return
	}
	t.notices.raiseAs(descriptorsNotice, Problem{Scarce, "", fmt.Sprintf("more files are followed than the "+
		"limit of open files allows (%d of them at once): they are read by turns, and what is written to "+
		"one that is closed is lost when it is deleted before its turn; raise the limit (ulimit -n, "+
		"LimitNOFILE=) and start again", d.most)})
	var open []*followed
	for _, f := range t.table {
		switch {
		case f.turn.opened.IsZero() || now.Sub(f.turn.opened) < t.set().PollInterval || f.waited > 0:
		case f.turn.over:
			t.kick(f) // what held it up may be over
		default:
			open = append(open, f)
		}
	}
	slices.SortFunc(open, func(a, b *followed) int {
		return cmp.Or(a.turn.opened.Compare(b.turn.opened), cmp.Compare(a.path, b.path))
	})
	for _, f := range open[:min(len(open), len(d.queue))] {
		f.turn.over = true
		t.kick(f)
	}
}

// descriptorsNotice names the problem that there are too few.
const descriptorsNotice = "open files"

// endTurn closes a file whose turn is over, if all of it that can be sealed is in the sink.
func (t *Tail) endTurn(f *followed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.mu.Lock()
	over := f.turn.over && f.there && f.waited == 0 && !t.ending
	t.mu.Unlock()
	switch {
	case !over || f.live == nil || f.cut:
	case f.w == nil:
		if t.unhold(f); !f.cut {
			t.closeFile(f)
		}
	case !f.final && !f.live.Compressed(): // an archive is put away by itself
		if err := t.rest(f); err != nil {
			t.Log.Debug("it stays open", "path", f.live.Path(), "error", err)
		}
	}
}

// rest puts a file away that is the owner of a source, unless there is something to be done about it. f.mu
// is held.
func (t *Tail) rest(f *followed) error {
	w := f.w
	if err := w.refresh(); err != nil {
		return err
	}
	s, taken := w.src, f.live.Taken()
	if s.Serial == 0 || s.Shipped < s.Sealed.Offset || len(s.Outbox) > 0 || len(s.Lost) > 0 ||
		len(t.aside.of(w.key)) > 0 || f.hollow || taken > s.Sealed.Offset && f.tried != taken {
		return nil
	}
	if taken > s.Sealed.Offset && t.endsUnasked(f) {
		return nil
	}
	if needs, err := w.needsFileToBegin(); needs || err != nil {
		return err
	}
	stat, err := f.live.Look()
	if err != nil || stat.Size != max(taken, s.Sealed.Offset) || t.wasTruncated(f) {
		return err // there is something to be read, or another file
	}
	as := &restedAs{w.key, w.k, s.Serial, s.Sealed.Offset, w.marks}
	sighting := as.sighting(f.live.Path(), stat.Size, stateOf(stat))
	if _, why := t.paused.now(); stat.Size > as.sealed && why == pausedDisk {
		return nil // a transaction that fails ends the tail
	}
	if stat.Size > as.sealed {
		if err := t.noteSightings(sighting); err != nil {
			return err
		}
	}
	// Here all that there is of the file is in the ledger: deleted after this, what is not sealed of it is
	// declared, by this run or the next.
	t.disown(f)
	if most := max(stat.Size, s.Highest); most > as.sealed {
		t.miss(as.key, newMissing(time.Now(), seal.Deleted, most, sighting))
	}
	t.mu.Lock()
	f.rested, f.noted = as, 0
	if stat.Size > as.sealed {
		f.noted = stat.Size
	}
	t.mu.Unlock()
	t.putAway(f, as.key, as.sealed)
	return nil
}

func (r *restedAs) sighting(path string, size int64, file offsets.FileState) offsets.Sighting {
	return offsets.Sighting{Key: r.key, Serial: r.serial, K: r.k, Path: path, File: file, Size: size,
		Marks: r.marks, Sealed: r.sealed}
}

// wakeRested takes a file that rests out of those that are put away, since it has changed. Tail.mu is held.
func (t *Tail) wakeRested(f *followed) {
	t.leave(f) // it is closed, so its inode may be that of any other file by now
	t.fetch(f)
	switch {
	case f.rested == nil:
	case f.stat.Size < f.rested.sealed:
		f.rested = nil // it is another file
	default:
		f.view.sealed, f.view.taken = f.rested.sealed, f.rested.sealed
	}
}

// grownAtRest gives what is to be noted of a file that has grown while it rests or waits for its turn. Until
// it is read again that is missing. Tail.mu is held.
func (t *Tail) grownAtRest(f *followed) (s offsets.Sighting, grown bool) {
	as := f.rested
	if as == nil || f.most <= as.sealed || f.noted > as.sealed {
		return s, false
	}
	f.noted = f.most
	s = as.sighting(f.path, f.most, stateOf(f.stat))
	if t.missing[as.key] == nil && t.owners[as.key] == nil {
		t.missing[as.key] = newMissing(time.Now(), seal.Deleted, f.most, s)
	}
	return s, true
}
