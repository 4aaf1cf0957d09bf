package tail

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/follow"
)

// openFile opens a file that is not open. One that is gone again before it could be is let go: then
// there is none to give.
func (u *follower) openFile(f *logFile) (*follow.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dropped {
		return nil, nil
	}
	u.mu.Lock()
	path, there := f.path, f.there
	f.final = f.cut && f.final || u.atItsEnd(f, time.Now())
	u.mu.Unlock()
	if f.live != nil {
		f.live.SetPath(path)
		return f.live, nil
	}
	if !there {
		u.shelf.goneUnread(f)
		u.letGo(f)
		return nil, nil
	}
	if !u.scheduler.takeDescriptor(f) {
		return nil, nil
	}
	live, err := u.openLive(f, path)
	if err != nil {
		u.mu.Lock()
		u.scheduler.giveDescriptor(f)
		u.mu.Unlock()
		return nil, err
	}
	return live, live.Begin(0)
}

// openLive opens a file that has a descriptor. f.mu is held.
func (u *follower) openLive(f *logFile, path string) (*follow.File, error) {
	live, err := follow.Open(u.FS, path)
	if errors.Is(err, fs.ErrNotExist) && !f.missed {
		f.missed = true
		u.scanner.requestScan()
		return nil, fmt.Errorf("open %s: it has gone or moved since the last look: %w", path, commit.ErrAgain)
	}
	if err != nil {
		return nil, err
	}
	f.missed = false
	now, err := live.Look()
	if err == nil && fileIDOf(f.stream(), path, now) != f.id {
		err = fmt.Errorf("open %s: another file took its place: %w", path, commit.ErrAgain)
	}
	if err != nil {
		live.Close()
		return nil, err
	}
	f.live, f.size, f.lastSize = live, now.Size, now.Size
	f.cut, f.from, f.tried, f.arrived = false, 0, -1, arrivals{}
	f.left, f.short = 0, time.Time{}
	u.mu.Lock()
	f.final = false
	f.shrunk, f.most = false, now.Size // the inode may have been another file's
	u.mu.Unlock()
	return live, nil
}

// atItsEnd reports whether a file can no longer grow: it has no path, and nobody has written to it for
// a while. Of one that was truncated a copy may have more, so long as there may be one. Tail.mu is
// held.
func (u *follower) atItsEnd(f *logFile, now time.Time) bool {
	if f.of.removed.Load() {
		return false // it may grow, and be followed again
	}
	if !f.cut {
		return !f.there && !now.Before(f.lastWrite().Add(u.config.set().CloseWait))
	}
	if u.ending { // it is in memory alone, so it does not wait
		return !u.scanner.scanBegan.Before(f.goneAt) && !u.hasCopy(f, now)
	}
	if now.Before(f.goneAt.Add(u.config.set().CloseWait)) {
		return false
	}
	return !u.hasCopy(f, now) || !now.Before(f.goneAt.Add(u.config.set().CopyWait))
}

// hasCopy reports whether a file that is not read may turn out to be what an owner was. Tail.mu is
// held.
func (u *follower) hasCopy(f *logFile, now time.Time) bool {
	for _, o := range u.table {
		if o.group == nil && o.of == f.of && o.stat.Size > 0 && now.Sub(o.moved) < u.config.set().CopyWait &&
			(o.view.state == isNew || o.view.state == isUnreadable) {
			return true // nobody knows who it is
		}
	}
	if f.group == nil {
		return false
	}
	for o := range f.group.files {
		if o == f || now.Sub(o.moved) >= u.config.set().CopyWait {
			continue
		}
		switch o.view.state {
		case isNew, isUnreadable:
			return true
		case isCopy, isUndecided:
			if o.view.about == f.view.key {
				return true
			}
		}
	}
	return false
}

// lastWrite is when a file is known to have been written to. Tail.mu is held.
func (f *logFile) lastWrite() time.Time {
	if f.goneAt.After(f.moved) {
		return f.goneAt
	}
	return f.moved
}

// publish lets the director know what the file's state is, and when it wants to be attended to.
func (u *follower) publish(f *logFile) {
	if f.live == nil {
		return
	}
	v := fileView{state: isNew, taken: f.live.Taken(), held: f.heldNow, cut: f.cut,
		compressed: f.live.Compressed(), unended: f.tried == f.live.Taken()}
	if f.w != nil {
		v.state, v.key, v.k = isActive, f.w.Key, f.w.K
		v.marks = f.w.Marks
		v.serial, v.sealed = f.w.Src.Serial, f.w.Src.Sealed.Offset
		v.left, v.bound = f.left, f.tried == v.taken && !f.maySpare()
		v.live, v.head, v.size = f.live, f.w.Head, v.taken
		if !f.cut {
			v.size = max(v.size, f.size)
		}
		if v.taken > v.sealed && !v.unended {
			v.oldest = f.arrived.oldest()
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if f.w == nil {
		v.state, v.about, v.unended = f.view.state, f.view.about, f.view.unended
	}
	f.show(v)
	if f.w != nil {
		u.board.problems.clear(f.path, commit.Unreadable, commit.Failed, commit.Changed, commit.Undecided, commit.Unsupported)
		u.scheduler.dueBy(f, u.dueAt(f))
	}
}

// dueAt is when a file wants to be attended to if nothing else happens before. Both locks are held.
func (u *follower) dueAt(f *logFile) (due time.Time) {
	sooner := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	if taken := f.live.Taken(); taken > f.view.sealed && taken != f.tried {
		sooner(f.arrived.oldest().Add(f.stream().MaxAge))
	}
	if f.joining.end > 0 {
		sooner(f.joining.since.Add(joinWait))
	}
	switch {
	case f.cut:
		sooner(f.goneAt.Add(u.config.set().CloseWait))
	case !f.there:
		sooner(f.lastWrite().Add(u.config.set().CloseWait))
	case f.endUnasked():
		sooner(u.endsAt(f))
	}
	return due
}
