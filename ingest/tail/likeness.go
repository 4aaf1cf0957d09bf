package tail

import (
	"context"
	"errors"
	"slices"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/source"
)

// likeness is how a file compares with the owner of a source.
type likeness struct {
	files.Agreement
	cut bool // the owner was truncated
	// overtaken says that nothing is known of what the owner and the source have in common.
	overtaken bool
}

// continues reports whether the file is to be read in the owner's place: a longer one is, for what is
// shorter can only be a copy of it, and so is any that has all of one that was truncated.
func (l likeness) continues() bool { return l.Longer || l.overtaken || l.cut && !l.Behind }

// compare holds a file against the owner of a source that its points do not refute, as far as both
// go. Where they differ, that is a fact about both from then on.
func (r *resolver) compare(
	c *commit.Claim, d *decision, v identity.Match, e *commit.Candidate, o *logFile,
) (like likeness, err error) {
	if err := o.mu.LockWithin(r.ctx); err != nil {
		return like, err
	}
	defer o.mu.Unlock()
	if o.w == nil || o.w.Key != e.Key || o.live == nil {
		return like, commit.ErrAgain
	}
	overtaken, err := o.isOvertaken()
	if err != nil {
		return like, err
	}
	if like.cut = o.cut; o.cut && overtaken {
		like.overtaken, like.Until = true, max(o.w.Src.Sealed.Offset, o.live.Taken())
		o.w.ForgetFile()
		return like, nil // there is no more of it to come
	}
	if o.cut && v == identity.Undecided {
		return like, nil // what it could be compared with is no longer there
	}
	end := o.live.Taken()
	if stat, err := o.live.Look(); err == nil && !o.cut {
		end = max(end, stat.Size)
	}
	view, err := o.live.Snapshot(end, true)
	if err != nil {
		return like, err
	}
	defer view.Close()
	from := int64(0)
	for _, p := range e.Points {
		if p.Offset <= min(d.told.Length, end, o.w.Src.Sealed.Offset) {
			from = p.Offset // up to there the chains agree
		}
	}
	like.Agreement, err = files.Compare(r.ctx, c.File, view, from)
	if err == nil && like.Differ {
		err = r.noteDifference(c, d, o, view, like.Until+1)
	}
	return like, err
}

// isOvertaken reports whether the sink has more of the source than was read of its file, which may be another
// log then. Of a compressed file it is not known how much was read. f.mu is held.
func (f *logFile) isOvertaken() (bool, error) {
	err := f.w.Shipper.Refresh()
	if errors.Is(err, commit.ErrSettleAgain) {
		return true, nil // the source gave its id up
	}
	return !f.live.Compressed() && f.live.Taken() < f.w.Src.Sealed.Offset, err
}

// noteDifference keeps the chains of a file and of an owner at an offset where they are known to
// differ. By these they are told apart later, also from the ledger alone.
func (r *resolver) noteDifference(
	c *commit.Claim, d *decision, o *logFile, owner *files.File, at int64,
) error {
	mine, _, err := commit.MarksTo(r.ctx, c.File, []int64{at})
	if err != nil {
		return err
	}
	theirs, _, err := commit.MarksTo(r.ctx, owner, []int64{at})
	if err != nil {
		return err
	}
	d.facts = append(d.facts, source.Mark{Offset: at, Chain: mine[at].Chain})
	d.reach = max(d.reach, at)
	if overtaken, err := o.isOvertaken(); overtaken || err != nil {
		return err // it is not known that the owner's file is the source
	}
	fact := source.Mark{Offset: at, Chain: theirs[at].Chain}
	if !slices.Contains(o.w.Facts, fact) {
		o.w.Facts = append(o.w.Facts, fact)
	}
	if o.w.Src.Sealed.Offset < at {
		return nil // the batch that passes it tells the ledger
	}
	return o.w.NoteFacts()
}

const (
	// askMax is how long a sink that does not answer holds up telling who a file is.
	askMax = 5 * time.Second
	// askPause is how long it is then not asked again.
	askPause = 30 * time.Second
)

// askAbout asks the sink for what it has that the file may be, unless it could not be reached just
// now. Then the ledger alone decides; what the sink knows and did not say is found when the source's
// first batch ships. It waits for the sink, so the caller holds no lock.
func (r *resolver) askAbout(f *logFile, c *commit.Claim) error {
	select {
	case <-r.uploader.opened:
	default:
		return nil
	}
	if time.Now().UnixNano() < r.sinkOff.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.ctx, askMax)
	defer cancel()
	err := r.askFor(ctx, f, c)
	if err != nil && r.ctx.Err() == nil && mayPass(err) {
		r.sinkOff.Store(time.Now().Add(askPause).UnixNano())
		r.Log.Warn("sink call failed, files are identified by the ledger alone", "error", err)
		return nil
	}
	return err
}

func (r *resolver) askFor(ctx context.Context, f *logFile, c *commit.Claim) error {
	learn := r.Sources.Learn
	if r.isAtRest(f) {
		learn = r.Sources.LearnAtRest
	}
	if err := learn(ctx, c.Family); err != nil {
		return err
	}
	all, _, err := r.Sources.Candidates(c.Family)
	if err != nil {
		return err
	}
	_, _, err = r.Sources.Narrow(ctx, c.Family, c.File, all)
	return err
}

// isAtRest reports whether a file was told apart already and has not changed since.
func (r *resolver) isAtRest(f *logFile) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.view.state != isCopy && f.view.state != isUndecided {
		return false
	}
	rests := f.moved.Before(f.asked)
	f.asked = time.Now()
	return rests
}

// sameInode finds the source that was last read from this very file, when the bytes before its
// sealed offset are as they were: what is proved is not proved again.
func (r *resolver) sameInode(f *logFile, c *commit.Claim, all []*commit.Candidate) (*commit.Candidate, error) {
	if r.Rehash || f.id.inode == 0 || c.File.Compressed() {
		return nil, nil
	}
	for _, e := range all {
		if e.Src == nil || e.Src.Marker == (source.Digest{}) || e.Src.File.Dev != f.id.dev ||
			e.Src.File.Inode != f.id.inode || e.Src.Sealed.Offset > c.File.Stat().Size {
			continue
		}
		if o := r.activeFile(e.Key); o != nil && o != f {
			continue
		}
		marker, err := c.File.Marker(e.Src.Sealed.Offset)
		if err != nil {
			return nil, err
		}
		if marker == e.Src.Marker {
			return e, nil
		}
	}
	return nil, nil
}

// headGroup is the files that begin with the same head. Only they can be one source, or contend for
// a k, so they are told who they are one after the other.
type headGroup struct {
	commit.Turn
	key     source.Key // of ordinal 0
	family  *commit.Family
	release func()            // gives the family back
	files   map[*logFile]bool // guarded by Tail.mu
}

// join makes a file one of the group of its head; before it may have had another.
func (r *resolver) join(f *logFile, c *commit.Claim) *headGroup {
	table := c.Stream.Table()
	key := source.KeyOf(table, c.Origin, 0, c.Head)
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.group != nil && f.group.key == key {
		return f.group
	}
	r.leave(f)
	g := r.groups[key]
	if g == nil {
		g = &headGroup{Turn: commit.NewTurn(), key: key, files: map[*logFile]bool{}}
		g.family, g.release = r.Sources.Families.Use(table, c.Origin, c.Head)
		r.groups[key] = g
	}
	g.files[f] = true
	f.group = g
	return g
}

// leave takes a file out of its group. Tail.mu is held.
func (r *resolver) leave(f *logFile) {
	if f.group == nil {
		return
	}
	delete(f.group.files, f)
	if len(f.group.files) == 0 && r.groups[f.group.key] == f.group {
		delete(r.groups, f.group.key)
		f.group.release()
	}
	f.group = nil
}

// scheduleGroup has the files of a group looked at again that are not read: what they were held against has
// changed. Tail.mu is held.
func (r *resolver) scheduleGroup(g *headGroup, but *logFile) {
	if g == nil {
		return
	}
	for f := range g.files {
		if f != but && f.view.state != isActive && f.view.state != isRead {
			r.scheduler.schedule(f)
		}
	}
}

// activeFile is the file that a source is read from, nil for none.
func (r *resolver) activeFile(key source.Key) *logFile {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active.bySource[key]
}
