package tail

import (
	"errors"
	"fmt"

	"logseal/ingest/commit"
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

// decide makes the file what the decision says. Group and file are locked.
func (t *Tail) decide(f *followed, c *commit.Claim, d *decision) (bool, error) {
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
func (t *Tail) leaveUndecided(f *followed, c *commit.Claim, d *decision, k uint64) error {
	about := c.Family.KeyOf(k) // the file may be the last that uses the family
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
func (t *Tail) keep(f *followed, c commit.Claim, d *decision, k uint64) error {
	if !f.live.Compressed() {
		view, err := f.live.Snapshot(c.File.Stat().Size, true) // its last line ends here
		if err != nil {
			return err
		}
		defer view.Close()
		c.File = view
	}
	if elsewhere, err := t.isElsewhere(f, &c, d); elsewhere || err != nil {
		return err
	}
	if err := t.NewWriter(c, k, &offsets.Source{K: k, Sealed: source.Origin()}).SealHeld(t.ctx); err != nil {
		return err
	}
	t.Log.Warn("an undecided file was deleted; its content is kept in spool/held",
		append(commit.LogSource(c.Family.KeyOf(k)), "path", f.live.Path(), "size", f.size)...)
	return nil
}

// isThere reports whether the last look found the file.
func (t *Tail) isThere(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.there && !f.cut
}

// isElsewhere reports whether all that a file holds is in a source or in another file that is there.
func (t *Tail) isElsewhere(f *followed, c *commit.Claim, d *decision) (bool, error) {
	_, end, err := c.File.Marks(t.ctx, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return false, err
	}
	for _, e := range d.all {
		if chain, ok := e.Points.At(end.Offset); ok && chain == end.Chain && !e.Lost(source.Range{End: end.Offset}) {
			return true, nil
		}
	}
	for _, path := range t.pathsBeside(f) {
		other, err := files.Open(t.FS, path)
		if err != nil {
			continue // it does not have it
		}
		like, err := files.Compare(t.ctx, c.File, other, 0)
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
func (t *Tail) own(f *followed, c *commit.Claim, k uint64, e *commit.Candidate, d *decision) error {
	err := t.stillAsJudged(c, k, e)
	if errors.Is(err, commit.ErrAgain) && e != nil && e.Src == nil {
		err = errors.Join(err, t.makeWayFor(c.Family.KeyOf(k)))
	}
	if err != nil {
		return err
	}
	var w *commit.Writer
	switch {
	case e == nil || e.Src == nil && e.Sink == nil:
		w = t.NewSource(*c, k, d.told)
	default:
		if w, err = t.GoOn(*c, e, d.told); err != nil {
			return err
		}
	}
	w.File, w.Chase, w.Facts = nil, false, append(w.Facts, d.facts...)
	w.Reach = d.reachOf(k)
	if w.Marks, err = t.earlyMarks(c); err != nil {
		return err
	}
	if at, ok := d.told.Marks[w.Src.Sealed.Offset]; ok {
		w.Known = at
	}
	f.w, f.tried = w, -1
	t.mu.Lock()
	t.owners[w.Key] = f
	if l := t.lanes[w.Key]; l != nil && l.wants {
		l.failing = 0 // it has failed for want of this file
	}
	f.view.standing, f.view.key, f.view.k, f.view.serial = isOwner, w.Key, k, w.Src.Serial
	f.stale = false
	f.noted = 0 // what the ledger knows may be of another source
	t.mu.Unlock()
	c.Family.NoteOrdinal(k)
	t.found(f, w.Key)
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
	t.kickLane(w.Key)
	t.Log.Info("following", append(commit.LogSource(w.Key), "path", c.Path, "from", w.Src.Sealed.Offset)...)
	return nil
}

// seenMarksMax is up to where a file is read for what a sighting says of it.
const seenMarksMax = 4 << 10

// earlyMarks gives the marks within the first few KiB of a file.
func (t *Tail) earlyMarks(c *commit.Claim) ([]source.Mark, error) {
	chain, err := c.File.ChainTo(t.ctx, seenMarksMax)
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
	return t.MakeWay(t.ctx, key)
}

// stillAsJudged is an error unless the ledger has of the k-th source what the file was held against,
// and no other file is read as it.
func (t *Tail) stillAsJudged(c *commit.Claim, k uint64, e *commit.Candidate) error {
	key := c.Family.KeyOf(k)
	if t.owner(key) != nil {
		return commit.ErrAgain
	}
	now, ok, err := t.Ledger.Get(key)
	if err != nil {
		return err
	}
	had := e != nil && e.Src != nil
	if ok != had || ok && (now.Serial != e.Src.Serial || now.Sealed != e.Src.Sealed) {
		return fmt.Errorf("own source %s: %w", key.ID, commit.ErrAgain)
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
func (t *Tail) takeOver(f *followed, c *commit.Claim, d *decision) error {
	o, key := d.from, d.is.Key
	o.mu.Lock()
	if o.w == nil || o.w.Key != key || max(o.w.Src.Sealed.Offset, o.live.Taken()) > d.upTo {
		o.mu.Unlock()
		return fmt.Errorf("take over %s: %w", c.Path, commit.ErrAgain)
	}
	facts := o.w.Facts
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
	e, err := t.Candidate(c.Family, d.is.K)
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
