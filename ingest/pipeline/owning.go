package pipeline

import (
	"errors"
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// unhold forgets what was read of a file that is not its source's owner. f.mu is held.
func (t *Tail) unhold(f *followed) {
	if f.cut || !f.live.Compressed() && t.wasTruncated(f) {
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
	t.mu.Lock()
	f.rested = nil
	if f.view.standing == isRead {
		t.fetch(f)
	}
	t.mu.Unlock()
	switch {
	case d.is != nil && d.from != nil:
		return true, t.takeOver(f, c, d)
	case d.is != nil:
		return true, t.own(f, c, d.is.K, d.is, d)
	case d.copyOf != nil:
		t.leaveUnread(f, isCopy, d.copyOf.Key)
		return false, nil
	case d.maybe != nil:
		return false, t.leaveUndecided(f, c, d, d.maybe.K)
	case f.cannot.reach > 0 && f.cannot == tooShort{f.size, d.reachOf(d.free)}:
		return false, t.leaveUndecided(f, c, d, 0)
	}
	return true, t.own(f, c, d.free, nil, d)
}

// leaveUndecided leaves a file unread that may be the k-th source. If the file has no path, and can no longer
// grow or the tail ends, what nobody else has of it is sealed as that source and held.
func (t *Tail) leaveUndecided(f *followed, c *claim, d *decision, k uint64) error {
	about := c.family.key(k) // the file may be the last that uses the family
	if t.isGone(f) || t.isEnding() && !t.isThere(f) {
		if err := t.keep(f, *c, d, k); err != nil {
			return err
		}
		t.letGo(f)
	}
	t.leaveUnread(f, isUndecided, about)
	return nil
}

// keep holds what an undecided file has and nobody else.
func (t *Tail) keep(f *followed, c claim, d *decision, k uint64) error {
	if !f.live.Compressed() {
		view, err := f.live.Snapshot(c.file.Stat().Size, true) // its last line ends here
		if err != nil {
			return err
		}
		defer view.Close()
		c.file = view
	}
	if elsewhere, err := t.isElsewhere(f, &c, d); elsewhere || err != nil {
		return err
	}
	if err := t.newWork(c, k, &offsets.Source{K: k, Sealed: source.Origin()}).sealHeld(t.ctx); err != nil {
		return err
	}
	t.Log.Warn("an undecided file was deleted; its content is kept in spool/held",
		append(logSource(c.family.key(k)), "path", f.live.Path(), "size", f.size)...)
	return nil
}

// isThere reports whether the last look found the file.
func (t *Tail) isThere(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.there && !f.cut
}

// isElsewhere reports whether all that a file holds is in a source or in another file that is there.
func (t *Tail) isElsewhere(f *followed, c *claim, d *decision) (bool, error) {
	_, end, err := c.file.Marks(t.ctx, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return false, err
	}
	for _, e := range d.all {
		if chain, ok := e.Points.At(end.Offset); ok && chain == end.Chain && !e.lost(source.Range{End: end.Offset}) {
			return true, nil
		}
	}
	for _, path := range t.pathsBeside(f) {
		other, err := files.Open(t.FS, path)
		if err != nil {
			continue // it does not have it
		}
		like, err := files.Compare(t.ctx, c.file, other, 0)
		other.Close()
		if err == nil && !like.Differ && !like.Longer {
			return true, nil
		}
	}
	return false, t.ctx.Err()
}

// pathsBeside lists the paths of the other files that begin alike.
func (t *Tail) pathsBeside(f *followed) (paths []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.group == nil {
		return nil
	}
	for o := range f.group.files {
		if o != f && o.there && !o.cut {
			paths = append(paths, o.path)
		}
	}
	return paths
}

func (t *Tail) leaveUnread(f *followed, s standing, about source.Key) {
	t.mu.Lock()
	f.view.standing, f.view.about = s, about
	t.mu.Unlock()
	if f.live != nil && (t.isGone(f) || f.cut && s == isCopy) {
		t.letGo(f) // what it says is read from the owner, or was
	}
}

// own makes the file the owner of a source: one that is known, or a new one. What was judged must
// still be so: an ordinal that was free may have been taken, a source may have gone on or be no more.
func (t *Tail) own(f *followed, c *claim, k uint64, e *candidate, d *decision) error {
	err := t.stillAsJudged(c, k, e)
	if errors.Is(err, errAgain) && e != nil && e.src == nil {
		err = errors.Join(err, t.makeWayFor(c.family.key(k)))
	}
	if err != nil {
		return err
	}
	var w *work
	switch {
	case e == nil || e.src == nil && e.sink == nil:
		w = t.newSource(*c, k, d.told)
	default:
		if w, err = t.goOn(*c, e, d.told); err != nil {
			return err
		}
	}
	w.file, w.chase, w.facts = nil, false, append(w.facts, d.facts...)
	w.reach = d.reachOf(k)
	if w.marks, err = t.earlyMarks(c); err != nil {
		return err
	}
	if at, ok := d.told.marks[w.src.Sealed.Offset]; ok {
		w.known = at
	}
	f.w, f.tried = w, -1
	t.mu.Lock()
	t.owners[w.key] = f
	if l := t.lanes[w.key]; l != nil {
		l.failing = 0 // it may have failed for want of this file
	}
	f.view.standing, f.view.key, f.view.k, f.view.serial = isOwner, w.key, k, w.src.Serial
	f.stale = false
	f.noted = 0 // what the ledger knows may be of another source
	t.mu.Unlock()
	c.family.noteOrdinal(k)
	t.found(f, w.key)
	if e == nil && d.from == nil {
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

// seenMarksMax is up to where a file is read for what a sighting says of it.
const seenMarksMax = 4 << 10

// earlyMarks gives the marks within the first few KiB of a file.
func (t *Tail) earlyMarks(c *claim) ([]source.Mark, error) {
	chain, err := c.file.ChainTo(t.ctx, seenMarksMax)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return nil, err
	}
	return chain.Marks(0, chain.Offset()+1), nil
}

// makeWayFor has a source give up its id, which another log has in the sink, if nobody is at it: neither a
// file nor a lane would find that out when nothing of it is left to ship.
func (t *Tail) makeWayFor(key source.Key) error {
	t.mu.Lock()
	l := t.lanes[key]
	busy := l != nil && l.busy
	t.mu.Unlock()
	if busy {
		return nil
	}
	return t.makeWay(t.ctx, key)
}

// stillAsJudged is an error unless the ledger has of the k-th source what the file was held against,
// and no other file is read as it.
func (t *Tail) stillAsJudged(c *claim, k uint64, e *candidate) error {
	key := c.family.key(k)
	if t.owner(key) != nil {
		return errAgain
	}
	now, ok, err := t.Ledger.Get(key)
	if err != nil {
		return err
	}
	had := e != nil && e.src != nil
	if ok != had || ok && (now.Serial != e.src.Serial || now.Sealed != e.src.Sealed) {
		return fmt.Errorf("own source %s: %w", key.ID, errAgain)
	}
	return nil
}

// idGone has a file told apart again whose source gave its id up: who did so may not have known of the
// file.
func (t *Tail) idGone(key source.Key) {
	t.readAgain(key)
	t.pulse.settled(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.owners[key]; o != nil {
		o.stale = true
		t.kick(o)
	}
}

// isStale reports whether the source of a file gave its id up since the file became its owner.
func (t *Tail) isStale(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.stale
}

// takeOver makes the file the owner of a source whose owner says the same but ends before it: of
// files that agree as far as they go the longest is the source.
func (t *Tail) takeOver(f *followed, c *claim, d *decision) error {
	o, key := d.from, d.is.Key
	o.mu.Lock()
	if o.w == nil || o.w.key != key || max(o.w.src.Sealed.Offset, o.live.Taken()) > d.upTo {
		o.mu.Unlock()
		return fmt.Errorf("take over %s: %w", c.path, errAgain)
	}
	facts := o.w.facts
	stays := !o.cut
	t.disown(o)
	if stays {
		t.unhold(o)
	} else {
		t.letGo(o)
	}
	o.mu.Unlock()
	for _, fact := range facts {
		if fact.Offset <= d.upTo { // what both have; of the rest nobody has read anything, and it may be gone
			d.facts = append(d.facts, fact)
		}
	}
	e, err := t.candidate(c.family, d.is.K)
	if err != nil {
		return err
	}
	err = t.own(f, c, d.is.K, e, d)
	if stays {
		t.mu.Lock()
		t.kick(o)
		t.mu.Unlock()
	}
	return err
}
