package tail

import (
	"time"

	"logseal/ingest/commit"
)

// publish lets the director know what the file's state is, and when it wants to be attended to.
func (u *follower) publish(f *followed) {
	if f.live == nil {
		return
	}
	v := fileView{standing: isNew, taken: f.live.Taken(), held: f.heldNow,
		compressed: f.live.Compressed(), unended: f.tried == f.live.Taken()}
	if f.w != nil {
		v.standing, v.key, v.k = isOwner, f.w.Key, f.w.K
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
		v.standing, v.about, v.unended = f.view.standing, f.view.about, f.view.unended
	}
	f.view = v
	if f.w != nil {
		u.board.notices.clear(f.path, commit.Unreadable, commit.Failed, commit.Changed, commit.Undecided, commit.Unsupported)
		u.scheduler.dueBy(f, u.dueAt(f))
	}
}

// dueAt is when a file wants to be attended to if nothing else happens before. Both locks are held.
func (u *follower) dueAt(f *followed) (due time.Time) {
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
		sooner(u.lastWrite(f).Add(u.config.set().CloseWait))
	case f.endUnasked():
		sooner(u.endsAt(f))
	}
	return due
}
