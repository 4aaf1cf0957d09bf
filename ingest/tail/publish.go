package tail

import (
	"time"

	"logseal/ingest/commit"
)

// publish lets the director know what the file's state is, and when it wants to be attended to.
func (t *Tail) publish(f *followed) {
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
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.w == nil {
		v.standing, v.about, v.unended = f.view.standing, f.view.about, f.view.unended
	}
	f.view = v
	if f.w != nil {
		t.notices.clear(f.path, commit.Unreadable, commit.Failed, commit.Changed, commit.Undecided, commit.Unsupported)
		t.dueBy(f, t.dueAt(f))
	}
}

// dueAt is when a file wants to be attended to if nothing else happens before. Both locks are held.
func (t *Tail) dueAt(f *followed) (due time.Time) {
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
		sooner(f.goneAt.Add(t.set().CloseWait))
	case !f.there:
		sooner(t.lastWrite(f).Add(t.set().CloseWait))
	case f.endUnasked():
		sooner(t.endsAt(f))
	}
	return due
}
