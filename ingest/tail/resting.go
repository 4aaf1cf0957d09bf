package tail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// A file that rests is closed and stays in the table. When it changes it is told who it is as after a restart,
// by its inode and what is before the sealed offset.
//
// It is not held: what nobody has read of it goes with it when it is deleted. What a look saw of it beyond
// what is sealed is in the ledger, so that it is declared.

// restedAs is the source that a file was read as before it rested.
type restedAs struct {
	key    source.Key
	k      uint64
	serial uint64 // 0 when nothing of it is sealed
	sealed int64
	marks  []source.Mark
}

func (r *restedAs) sighting(path string, size int64, file offsets.FileState) offsets.Sighting {
	return offsets.Sighting{Key: r.key, Serial: r.serial, K: r.k, Path: path, File: file, Size: size,
		Marks: r.marks, Sealed: r.sealed}
}

// rest puts a file away that is the owner of a source, unless something of it is to be sealed or shipped. For
// that it waits only so long: what is sealed is in the spool, and the rest is read again. f.mu is held.
func (h *shelf) rest(f *logFile) error {
	w := f.w
	if err := w.Shipper.Refresh(); err != nil {
		return err
	}
	if !h.waitedLong(f) {
		s, taken := w.Src, f.live.Taken()
		needs, err := w.NeedsFileToBegin()
		if needs || err != nil || len(s.Outbox) > 0 || len(s.Lost) > 0 || len(h.OrphanBatches.Of(w.Key)) > 0 ||
			s.Serial == 0 || f.hollow || taken > s.Sealed.Offset && f.tried != taken {
			return err
		}
	}
	stat, more, err := h.lastLook(f)
	if err != nil || f.cut {
		return err
	}
	h.mu.Lock()
	due := h.dueAtRest(f)
	h.mu.Unlock()
	as, err := h.leaveSource(f, stat)
	if as == nil || err != nil {
		return err
	}
	h.putAway(f, as.key, as.sealed)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scheduler.dueBy(f, due)
	if more { // it waits for its next turn
		h.wakeRested(f)
		h.scheduler.schedule(f)
	}
	return nil
}

// restStopped closes a file that cannot be gone on with for now. It stays what it is, and is looked at again
// when it would have been. f.mu is held.
func (h *shelf) restStopped(f *logFile) error {
	stat, _, err := h.lastLook(f)
	if err != nil || f.cut {
		return err
	}
	h.mu.Lock()
	due := f.due
	h.mu.Unlock()
	as, err := h.leaveSource(f, stat)
	if as == nil || err != nil {
		return err
	}
	h.memory.closeFile(f)
	h.mu.Lock()
	defer h.mu.Unlock()
	f.show(fileView{state: isStopped, sealed: as.sealed})
	h.scheduler.dueBy(f, due)
	return nil
}

// waitedLong reports whether a file's turn has been over for so long that others come first.
func (h *shelf) waitedLong(f *logFile) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(f.turn.over) >= stoppedWait
}

// lastLook looks at a file before it is closed, and reports whether it has more than was read, or whole records
// that are not sealed. f.mu is held.
func (h *shelf) lastLook(f *logFile) (stat files.Stat, more bool, err error) {
	stat, err = f.live.Look()
	if err != nil || !f.live.Compressed() && h.memory.wasTruncated(f) {
		return stat, false, err
	}
	if f.live.Compressed() {
		return stat, true, nil // its size says nothing, and one that was read to its end is closed already
	}
	taken, sealed := f.live.Taken(), f.w.Src.Sealed.Offset
	return stat, stat.Size > max(taken, sealed) || taken > sealed && f.tried != taken, nil
}

// dueAtRest is when a file that rests is to be looked at though it does not change: its last record waits for
// its last part, or its last line for who may end it. Both locks are held.
func (h *shelf) dueAtRest(f *logFile) (due time.Time) {
	if f.joining.end > 0 {
		due = f.joining.since.Add(joinWait)
	}
	if f.endUnasked() && (due.IsZero() || h.follower.endsAt(f).Before(due)) {
		due = h.follower.endsAt(f)
	}
	return due
}

// leaveSource ends a file's being an owner, and gives what it was; nil when that cannot be noted for now. f.mu
// is held.
func (h *shelf) leaveSource(f *logFile, stat files.Stat) (*restedAs, error) {
	s := f.w.Src
	as := &restedAs{f.w.Key, f.w.K, s.Serial, s.Sealed.Offset, f.w.Marks}
	sighting := as.sighting(f.live.Path(), stat.Size, commit.StateOf(stat))
	more := !f.live.Compressed() && stat.Size > as.sealed
	if _, why := h.board.backpressure.now(); why == commit.PausedDisk {
		return nil, nil // a transaction that fails ends the tail
	}
	if as.serial != 0 && (len(f.w.Facts) > 0 || s.Path != f.live.Path()) {
		// What tells it apart, and where it is, is known by its file alone else.
		err := f.w.Update(func(s *offsets.Source) error {
			s.Path, s.File = f.live.Path(), commit.StateOf(stat)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if more {
		if err := h.scanner.noteSightings(sighting); err != nil {
			return nil, err
		}
	}
	// Here all that there is of the file is in the ledger: deleted after this, what is not sealed of it is
	// declared, by this run or the next.
	h.active.release(f)
	if most := max(stat.Size, s.Highest); more || s.Highest > as.sealed {
		h.losses.miss(as.key, newMissing(time.Now(), table.Deleted, most, sighting))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.rested, f.noted = as, 0
	if more {
		f.noted = stat.Size
	}
	return as, nil
}

// wakeRested takes a file out of those that are put away. Tail.mu is held.
func (h *shelf) wakeRested(f *logFile) {
	h.resolver.leave(f) // it is closed, so its inode may be that of any other file by now
	h.fetch(f)
	switch {
	case f.rested == nil:
	case f.stat.Size < f.rested.sealed:
		f.rested = nil // it is another file
	default:
		f.view.sealed = f.rested.sealed // nothing of it is known to be read before it is told who it is
	}
}

// noteMovesAtRest lets the ledger know where files are that were renamed while they rest: who needs the file of a
// source looks for it where the ledger has it. If we die before, the next start tells the file anew.
func (c *scanner) noteMovesAtRest() error {
	moved := map[*logFile]offsets.Sighting{}
	c.mu.Lock()
	for _, f := range c.table {
		if f.movedAtRest && f.there && f.rested != nil && f.rested.serial != 0 {
			moved[f] = f.rested.sighting(f.path, f.stat.Size, commit.StateOf(f.stat))
		}
	}
	c.mu.Unlock()
	for f, x := range moved {
		err := c.Ledger.Update(x.Key, func(s *offsets.Source) error {
			if s.Serial != x.Serial || s.Sealed.Offset != x.Sealed {
				return commit.ErrAgain // it went on from another file
			}
			s.Path, s.File = x.Path, x.File
			return nil
		})
		if err != nil && !errors.Is(err, commit.ErrAgain) {
			return fmt.Errorf("note in the ledger where %s is: %w", x.Path, err)
		}
		c.mu.Lock()
		f.movedAtRest = f.path != x.Path
		c.mu.Unlock()
		c.uploader.wake(x.Key)
	}
	return nil
}

// wakeIfRested is wakeRested for a plain file that somebody wants to be looked at.
func (h *shelf) wakeIfRested(f *logFile) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.view.state == isRead && f.rested != nil {
		h.wakeRested(f)
	}
}

// grownAtRest gives what is to be noted of files that have grown while they rest or wait for their turn. Until
// they are read again that is missing. A file that is another one by now has not grown.
func (c *scanner) grownAtRest() (all []offsets.Sighting) {
	type grown struct {
		f *logFile
		s offsets.Sighting
	}
	var some []grown
	c.mu.Lock()
	for _, f := range c.table {
		if as := f.rested; as != nil && f.most > as.sealed && f.noted <= as.sealed {
			some = append(some, grown{f, as.sighting(f.path, f.most, commit.StateOf(f.stat))})
		}
	}
	c.mu.Unlock()
	for _, x := range some {
		still := c.isStill(x.s)
		c.mu.Lock()
		switch as := x.f.rested; {
		case as == nil:
		case !still:
			x.f.rested = nil
		default:
			x.f.noted = x.s.Size
			all = append(all, x.s)
			if c.losses.missing[as.key] == nil && c.active.bySource[as.key] == nil {
				c.losses.missing[as.key] = newMissing(time.Now(), table.Deleted, x.s.Size, x.s)
			}
		}
		c.mu.Unlock()
	}
	return all
}

// isStill reports whether the file at a path has what is sealed of the source that it was. When that cannot be
// told it is taken to be.
func (c *scanner) isStill(s offsets.Sighting) bool {
	src, ok, err := c.Ledger.Get(s.Key)
	if err != nil || !ok {
		return true
	}
	f, err := files.Open(c.FS, s.Path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	if st := f.Stat(); st.Dev != s.File.Dev || st.Inode != s.File.Inode {
		return true // it was moved since the look
	}
	same, err := commit.HasSealed(context.WithoutCancel(c.ctx), f, src)
	return same || err != nil && !errors.As(err, new(*files.ShrunkError))
}

// goneUnread says that a file is gone of which there was no descriptor to read anything. f.mu is held.
func (h *shelf) goneUnread(f *logFile) {
	h.mu.Lock()
	standing, size, path := f.view.state, f.stat.Size, f.path
	silent := h.scheduler.descriptors.said && f.rested == nil && size > 0 && (standing == isNew || standing == isUndecided)
	h.mu.Unlock()
	if !silent {
		return
	}
	h.board.countLoss(f.stream().Table().Stream, table.Deleted, size)
	h.Log.Error("a file is gone that was not read for want of descriptors", "path", path, "size", size)
}
