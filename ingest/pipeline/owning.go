package pipeline

import (
	"errors"
	"fmt"

	"logseal/ingest/source"
)

// unhold forgets what was read of a file that is not its source's owner. f.mu is held.
func (t *Tail) unhold(f *followed) {
	if f.cut {
		return // there is nothing else left of it
	}
	if err := f.live.Begin(0); err != nil {
		t.Log.Debug("begin anew", "path", f.live.Path(), "error", err)
	}
	f.from = 0
	f.arrived.reset()
	t.weigh(f)
}

// errAgain says that things changed while they were looked at.
var errAgain = errors.New("things have changed meanwhile")

// decide makes the file what the decision says. Group and file are locked.
func (t *Tail) decide(f *followed, c *claim, d *decision) (bool, error) {
	switch {
	case d.is != nil && d.from != nil:
		return true, t.takeOver(f, c, d)
	case d.is != nil:
		return true, t.own(f, c, d.is.k, d.is, d)
	case d.copyOf != nil:
		t.leaveUnread(f, isCopy, d.copyOf.key)
		return false, nil
	case d.maybe != nil:
		t.leaveUnread(f, isUndecided, d.maybe.key)
		return false, nil
	}
	return true, t.own(f, c, d.freeK, nil, d)
}

func (t *Tail) leaveUnread(f *followed, s standing, about source.Key) {
	t.mu.Lock()
	f.view.standing, f.view.about = s, about
	t.mu.Unlock()
	if t.isGone(f) {
		if s == isUndecided {
			t.Log.Warn("an undecided file went unread: it began as a source that is longer",
				append(logSource(about), "path", f.live.Path(), "size", f.size)...)
		}
		t.letGo(f) // what it says is read from the owner, or was
	}
}

// own makes the file the owner of a source: one that is known, or a new one.
func (t *Tail) own(f *followed, c *claim, k uint64, e *evidence, d *decision) error {
	var w *work
	var err error
	switch {
	case e == nil || e.src == nil && e.shipped == 0:
		w = t.newSource(*c, k, d.lower)
	default:
		if w, err = t.goOn(*c, e, d.marks, d.lower); err != nil {
			return err
		}
	}
	w.file, w.chase, w.differs = nil, false, d.differs
	f.w, f.tried = w, -1
	t.mu.Lock()
	t.owners[w.key] = f
	f.view.standing, f.view.key, f.view.k = isOwner, w.key, k
	f.noted = 0 // what the ledger knows may be of another source
	t.mu.Unlock()
	t.found(w.key)
	if e == nil {
		if err := t.skipUnwanted(f, c); err != nil {
			t.disown(f)
			return err
		}
	}
	if err := t.resume(f); err != nil {
		t.disown(f)
		return err
	}
	t.publish(f)
	t.kickLane(w.key)
	t.Log.Info("following", append(logSource(w.key), "path", c.path, "from", w.src.Sealed.Offset)...)
	return nil
}

// takeOver makes the file the owner of a source whose owner says the same but ends before it: of
// files that agree as far as they go the longest is the source.
func (t *Tail) takeOver(f *followed, c *claim, d *decision) error {
	o, key := d.from, d.is.key
	o.mu.Lock()
	if o.w == nil || o.w.key != key || o.w.src.Sealed.Offset > d.upTo {
		o.mu.Unlock()
		return fmt.Errorf("take over %s: %w", c.path, errAgain)
	}
	t.disown(o)
	if o.cut {
		t.letGo(o)
	} else {
		t.unhold(o)
	}
	stays := !o.cut
	o.mu.Unlock()
	e, err := t.knownInLedger(key, d.is.k)
	if err != nil {
		return err
	}
	if e == nil {
		e = d.is
	}
	err = t.own(f, c, e.k, e, d)
	if stays {
		t.mu.Lock()
		t.kick(o)
		t.mu.Unlock()
	}
	return err
}
