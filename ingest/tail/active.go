package tail

import (
	"errors"
	"fmt"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// activeFiles knows which file each source is read from. A source has one active file at most.
type activeFiles struct {
	*Tail

	bySource map[source.Key]*logFile
}

// unhold forgets what was read of a file that is not its source's owner. f.mu is held.
func (a *activeFiles) unhold(f *logFile) {
	if f.cut || !f.live.Compressed() && a.memory.wasTruncated(f) {
		return // there is nothing else left of it
	}
	if err := f.live.Begin(0); err != nil {
		a.Log.Debug("drop what was read of the file", "path", f.live.Path(), "error", err)
	}
	f.from = 0
	f.arrived.reset()
	a.memory.weigh(f)
}

// decide makes the file what the decision says. Group and file are locked.
func (a *activeFiles) decide(f *logFile, c *commit.Claim, d *decision) (bool, error) {
	a.mu.Lock()
	f.rested = nil
	if f.view.state == isRead {
		a.shelf.fetch(f)
	}
	a.mu.Unlock()
	switch {
	case d.is != nil && d.from != nil:
		return true, a.handOver(f, c, d)
	case d.is != nil:
		return true, a.activate(f, c, d.is.K, d.is, d)
	case d.copyOf != nil:
		a.leaveUnread(f, isCopy, d.copyOf.Key)
		return false, nil
	case d.maybe != nil:
		return false, a.leaveUndecided(f, c, d, d.maybe.K)
	case f.cannot.reach > 0 && f.cannot == tooShort{f.size, d.reachOf(d.free)}:
		return false, a.leaveUndecided(f, c, d, 0)
	}
	return true, a.activate(f, c, d.free, nil, d)
}

// leaveUndecided leaves a file unread that may be the k-th source. If the file has no path, and can no longer
// grow or the tail ends, what nobody else has of it is sealed as that source and held.
func (a *activeFiles) leaveUndecided(f *logFile, c *commit.Claim, d *decision, k uint64) error {
	about := c.Family.KeyOf(k) // the file may be the last that uses the family
	if a.follower.isGone(f) || a.isEnding() && !a.isThere(f) {
		if err := a.keep(f, *c, d, k); err != nil {
			return err
		}
		a.follower.letGo(f)
	}
	a.leaveUnread(f, isUndecided, about)
	return nil
}

// keep holds what an undecided file has and nobody else.
func (a *activeFiles) keep(f *logFile, c commit.Claim, d *decision, k uint64) error {
	if !f.live.Compressed() {
		view, err := f.live.Snapshot(c.File.Stat().Size, true) // its last line ends here
		if err != nil {
			return err
		}
		defer view.Close()
		c.File = view
	}
	if elsewhere, err := a.isElsewhere(f, &c, d); elsewhere || err != nil {
		return err
	}
	if err := a.NewWriter(c, k, &offsets.Source{K: k, Sealed: source.Origin()}).Orphans.SealHeld(a.ctx); err != nil {
		return err
	}
	a.Log.Warn("an undecided file was deleted; its content is kept in spool/held",
		append(commit.LogSource(c.Family.KeyOf(k)), "path", f.live.Path(), "size", f.size)...)
	return nil
}

// isThere reports whether the last look found the file.
func (a *activeFiles) isThere(f *logFile) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return f.there && !f.cut
}

// isElsewhere reports whether all that a file holds is in a source or in another file that is there.
func (a *activeFiles) isElsewhere(f *logFile, c *commit.Claim, d *decision) (bool, error) {
	_, end, err := c.File.Marks(a.ctx, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return false, err
	}
	for _, e := range d.all {
		if chain, ok := e.Points.At(end.Offset); ok && chain == end.Chain && !e.Lost(source.Range{End: end.Offset}) {
			return true, nil
		}
	}
	for _, path := range a.pathsBeside(f) {
		other, err := files.Open(a.FS, path)
		if err != nil {
			continue // it does not have it
		}
		like, err := files.Compare(a.ctx, c.File, other, 0)
		other.Close()
		if err == nil && !like.Differ && !like.Longer {
			return true, nil
		}
	}
	return false, a.ctx.Err()
}

// pathsBeside lists the paths of the other files that begin alike.
func (a *activeFiles) pathsBeside(f *logFile) (paths []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
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

func (a *activeFiles) leaveUnread(f *logFile, s state, about source.Key) {
	a.mu.Lock()
	f.become(s)
	f.view.about = about
	a.mu.Unlock()
	if f.live != nil && (a.follower.isGone(f) || f.cut && s == isCopy) {
		a.follower.letGo(f) // what it says is read from the owner, or was
	}
}

// activate makes the file the owner of a source: one that is known, or a new one. What was judged must
// still be so: an ordinal that was free may have been taken, a source may have gone on or be no more.
func (a *activeFiles) activate(f *logFile, c *commit.Claim, k uint64, e *commit.Candidate, d *decision) error {
	err := a.stillAsJudged(c, k, e)
	if errors.Is(err, commit.ErrAgain) && e != nil && e.Src == nil {
		err = errors.Join(err, a.makeWayFor(c.Family.KeyOf(k)))
	}
	if err != nil {
		return err
	}
	var w *commit.Writer
	switch {
	case e == nil || e.Src == nil && e.Sink == nil:
		w = a.NewSource(*c, k, d.told)
	default:
		if w, err = a.GoOn(*c, e, d.told); err != nil {
			return err
		}
	}
	w.File, w.Shipper.MayBeBehind, w.Facts = nil, false, append(w.Facts, d.facts...)
	w.Ordinal.Reach = d.reachOf(k)
	if w.Marks, err = a.earlyMarks(c); err != nil {
		return err
	}
	if at, ok := d.told.Marks[w.Src.Sealed.Offset]; ok {
		w.Cutter.Known = at
	}
	f.w, f.tried = w, -1
	a.mu.Lock()
	a.bySource[w.Key] = f
	if l := a.uploader.lanes[w.Key]; l != nil && l.wants {
		l.failing = 0 // it has failed for want of this file
	}
	f.become(isActive)
	f.view.key, f.view.k, f.view.serial = w.Key, k, w.Src.Serial
	f.stale = false
	f.noted = 0 // what the ledger knows may be of another source
	a.mu.Unlock()
	c.Family.NoteOrdinal(k)
	a.losses.found(f, w.Key)
	if e == nil && d.from == nil {
		if err := a.losses.skipUnwanted(f, c); err != nil {
			a.release(f)
			return err
		}
	}
	if err := a.follower.resume(f); err != nil {
		a.release(f)
		return err
	}
	a.follower.publish(f)
	a.uploader.wake(w.Key)
	a.Log.Info("following", append(commit.LogSource(w.Key), "path", c.Path, "from", w.Src.Sealed.Offset)...)
	return nil
}

// seenMarksMax is up to where a file is read for what a sighting says of it.
const seenMarksMax = 4 << 10

// earlyMarks gives the marks within the first few KiB of a file.
func (a *activeFiles) earlyMarks(c *commit.Claim) ([]source.Mark, error) {
	chain, err := c.File.ChainTo(a.ctx, seenMarksMax)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return nil, err
	}
	return chain.Marks(0, chain.Offset()+1), nil
}

// makeWayFor has a source give up its id, which another log has in the sink, if nobody is at it: neither a
// file nor a lane would find that out when nothing of it is left to ship.
func (a *activeFiles) makeWayFor(key source.Key) error {
	a.mu.Lock()
	l := a.uploader.lanes[key]
	busy := l != nil && l.busy
	a.mu.Unlock()
	if busy {
		return nil
	}
	return a.MakeWay(a.ctx, key)
}

// stillAsJudged is an error unless the ledger has of the k-th source what the file was held against,
// and no other file is read as it.
func (a *activeFiles) stillAsJudged(c *commit.Claim, k uint64, e *commit.Candidate) error {
	key := c.Family.KeyOf(k)
	if a.resolver.activeFile(key) != nil {
		return commit.ErrAgain
	}
	now, ok, err := a.Ledger.Get(key)
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
func (a *activeFiles) idGone(key source.Key) {
	a.shelf.readAgain(key)
	a.board.pulse.settled(key)
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.bySource[key]; o != nil {
		o.stale = true
		a.scheduler.schedule(o)
	}
}

// isStale reports whether the source of a file gave its id up since the file became its owner.
func (a *activeFiles) isStale(f *logFile) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return f.stale
}

// handOver makes the file the owner of a source whose owner says the same but ends before it: of
// files that agree as far as they go the longest is the source.
func (a *activeFiles) handOver(f *logFile, c *commit.Claim, d *decision) error {
	o, key := d.from, d.is.Key
	o.mu.Lock()
	if o.w == nil || o.w.Key != key || max(o.w.Src.Sealed.Offset, o.live.Taken()) > d.upTo {
		o.mu.Unlock()
		return fmt.Errorf("take over %s: %w", c.Path, commit.ErrAgain)
	}
	facts := o.w.Facts
	stays := !o.cut
	a.release(o)
	if stays {
		a.unhold(o)
	} else {
		a.follower.letGo(o)
	}
	o.mu.Unlock()
	for _, fact := range facts {
		if fact.Offset <= d.upTo { // what both have; of the rest nobody has read anything, and it may be gone
			d.facts = append(d.facts, fact)
		}
	}
	e, err := a.Sources.Candidate(c.Family, d.is.K)
	if err != nil {
		return err
	}
	err = a.activate(f, c, d.is.K, e, d)
	if stays {
		a.mu.Lock()
		a.scheduler.schedule(o)
		a.mu.Unlock()
	}
	return err
}

// release ends a file's being the owner of a source. f.mu is held.
func (a *activeFiles) release(f *logFile) {
	if f.w == nil {
		return
	}
	a.mu.Lock()
	if a.bySource[f.w.Key] == f {
		delete(a.bySource, f.w.Key)
	}
	if l := a.uploader.lanes[f.w.Key]; l != nil && !l.busy && !l.resting {
		delete(a.uploader.lanes, f.w.Key)
	}
	a.losses.stillOwes(f, f.w.Key)
	f.become(isNew)
	f.view.key, f.view.k, f.view.serial = source.Key{}, 0, 0
	a.mu.Unlock()
	f.w, f.tried = nil, -1
}

// forget makes a file one of which nobody knows who it is: the ledger has forgotten its source.
func (a *activeFiles) forget(f *logFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owes = nil
	a.release(f)
}

// giveBack frees the ordinal of a file of which nothing was sealed and nothing can be yet: others may
// wait for it. The file is told apart anew when it has more.
func (a *activeFiles) giveBack(f *logFile, p commit.Problem) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w == nil || f.w.Src.Serial != 0 || f.cut {
		return false
	}
	a.mu.Lock()
	if moves := time.Since(f.moved) < unreadWait; moves && !f.final {
		a.scheduler.dueBy(f, time.Now().Add(a.config.set().PollInterval)) // what is missing may be on its way
		a.mu.Unlock()
		return true
	}
	a.mu.Unlock()
	w := f.w
	f.cannot = tooShort{f.size, w.Ordinal.Reach}
	a.release(f)
	a.unhold(f)
	a.mu.Lock()
	f.become(isUndecided)
	f.view.about = source.KeyOf(w.Key.Table, w.Key.Origin, 0, w.Head)
	a.scheduler.dueBy(f, time.Now().Add(unreadWait))
	if time.Since(f.moved) >= a.config.set().CloseWait {
		a.board.problems.raise(p)
	}
	a.mu.Unlock()
	a.uploader.wakeWaiters(w.Key)
	return true
}

// releaseUnproved releases a file of which nothing is sealed and nothing is held: nothing is left that proves the
// file to be what told it apart from others. It is identified again from the bytes that it has then. f.mu is held.
func (a *activeFiles) releaseUnproved(f *logFile) {
	if f.w == nil || f.w.Src.Sealed.Offset > 0 {
		return
	}
	key := f.w.Key
	a.release(f)
	a.uploader.wakeWaiters(key)
}

// tooShort is how long a file was that has no record end up to where it differs from others.
type tooShort struct {
	size, reach int64
}
