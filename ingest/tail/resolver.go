package tail

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/follow"
	"logseal/ingest/identity"
	"logseal/ingest/source"
)

// resolver finds out which source a file is, by its bytes, the ledger, the sink and the files that are followed.
type resolver struct {
	*Tail

	sinkOff atomic.Int64 // until when, in Unix ns, the sink is not asked who a file is
	groups  map[source.Key]*headGroup
}

// identify tells who a file is. It reports true when the file is now the owner of a source; else it
// holds nothing yet, or is left unread until something changes.
func (r *resolver) identify(f *logFile) (bool, error) {
	began := time.Now()
	c, err := r.claimOf(f)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	f.view.unended = c == nil
	if c == nil && f.cut && !f.final {
		r.scheduler.dueBy(f, f.goneAt.Add(r.config.set().CloseWait)) // what is there of it is all there will be
	}
	r.mu.Unlock()
	if c == nil {
		return false, nil
	}
	defer func() { c.File.Close() }()
	g := r.join(f, c)
	c.Family = g.family
	// The sink is asked before the turn is taken: files that begin alike do not wait for a sink.
	if err := r.askAbout(f, c); err != nil {
		return false, shrunkLater(err)
	}
	if err := g.LockWithin(r.ctx); err != nil {
		return false, err
	}
	defer g.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil || f.w != nil {
		return false, commit.ErrAgain
	}
	d, err := r.judge(f, c)
	if err != nil {
		return false, shrunkLater(err)
	}
	owns, err := r.active.decide(f, c, d)
	if err == nil && !owns {
		r.lookAgainAfter(f, time.Since(began))
	}
	return owns, err
}

// shrunkLater has a file looked at again that became shorter while it was held against others, or
// that was held against one that did: the next look finds another incarnation.
func shrunkLater(err error) error {
	if errors.As(err, new(*files.ShrunkError)) {
		return commit.ErrAgain
	}
	return err
}

// unreadWait is how long a file that is left unread rests, if neither it nor what it was held
// against changes.
const unreadWait = time.Minute

// lookAgainAfter lets a file rest that took long to tell apart and may take as long again.
func (r *resolver) lookAgainAfter(f *logFile, took time.Duration) {
	if f.live == nil {
		return // it was let go
	}
	r.active.unhold(f)
	r.mu.Lock()
	defer r.mu.Unlock()
	f.view.held = 0
	r.scheduler.dueBy(f, time.Now().Add(max(unreadWait, 4*took)))
	switch {
	case f.view.state == isNew:
		r.scheduler.dueBy(f, time.Time{})
	case f.view.state == isUndecided && time.Since(f.moved) >= r.config.set().CloseWait:
		r.board.problems.raise(commit.Problem{Kind: commit.Undecided, Path: f.path, Message: fmt.Sprintf("it agrees with source %s as far as it "+
			"goes, but ends before what is committed of that: an older state, or a copy that was "+
			"given up; it is left unread until it is long enough to be identified", f.view.about.ID)})
	}
}

// claimOf makes a claim of what the file holds now; nil when that does not tell who it is yet.
func (r *resolver) claimOf(f *logFile) (*commit.Claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return nil, nil
	}
	view, head, err := r.headOf(f)
	if err != nil {
		return nil, shrunkLater(err)
	}
	if err := view.Supported(); err != nil {
		return nil, r.refuse(f, view, err)
	}
	if head == nil {
		view.Close()
		if r.follower.isGone(f) || f.cut && f.live.Taken() == 0 {
			r.follower.letGo(f) // it never held anything
		}
		return nil, nil
	}
	origin, err := f.stream().OriginOf(f.live.Path())
	if err != nil {
		view.Close()
		return nil, commit.Stop(commit.Halted, f.live.Path(), "%v", err)
	}
	return &commit.Claim{
		Stream: f.stream().Stream, Origin: origin, Path: f.live.Path(), File: view, Head: head,
	}, nil
}

// refuse leaves a file alone that holds what is no log: it is closed, and once it is gone it is forgotten.
// f.mu is held.
func (r *resolver) refuse(f *logFile, view *files.File, err error) error {
	view.Close()
	if !errors.As(err, new(*files.UnsupportedError)) {
		return shrunkLater(err)
	}
	if r.follower.isGone(f) {
		r.follower.letGo(f)
		return nil
	}
	if r.active.unhold(f); f.cut {
		r.follower.letGo(f)
		return nil
	}
	r.memory.closeFile(f)
	return err
}

// headFirst is how much is read of a file at first; most heads are shorter.
const headFirst = 4 << 10

// headOf finds the head of a file, nil when it has none yet, in a view of all that it has.
func (r *resolver) headOf(f *logFile) (view *files.File, head []byte, err error) {
	for _, limit := range []int64{headFirst, source.HeadWindow} {
		end, err := r.readHead(f, limit)
		if err != nil {
			return nil, nil, err
		}
		if view, err = f.live.Snapshot(end, f.final); err != nil {
			return nil, nil, err
		}
		head, ok, err := view.Head(f.final)
		if err == nil && ok || limit == source.HeadWindow {
			if !ok {
				head = nil
			}
			return view, head, err
		}
		view.Close()
	}
	return nil, nil, nil
}

// readHead reads the first bytes of a file of which nobody knows who it is, so that they are kept,
// and gives how long the file is.
func (r *resolver) readHead(f *logFile, limit int64) (int64, error) {
	if f.cut {
		return f.live.Taken(), nil
	}
	stat, err := f.live.Look()
	if err != nil {
		return 0, err
	}
	if f.live.Compressed() {
		return stat.Size, nil
	}
	if stat.Size != f.size && r.memory.wasTruncated(f) {
		return f.live.Taken(), nil
	}
	r.memory.noteSize(f, stat)
	isFirst := f.live.Taken() == 0
	for f.live.Taken() < min(stat.Size, limit) {
		at := f.live.Taken()
		n, err := f.live.Read(limit - at)
		if errors.As(err, new(*follow.TruncatedError)) {
			r.follower.truncated(f)
			return f.live.Taken(), nil
		}
		if err != nil {
			if _, again := f.live.Look(); again == nil && f.live.Compressed() {
				return 0, commit.ErrAgain // it was empty when it was looked at
			}
			return 0, err
		}
		if n == 0 {
			break
		}
		f.arrived.add(at, time.Now(), f.stream().MaxAge)
		r.board.countRead(f.stream().Epoch.Stream, n)
	}
	if isFirst && f.live.Taken() > 0 {
		if stat, err = r.memory.measure(f, f.live.Taken() >= limit); err != nil {
			return 0, err
		}
	}
	r.memory.weigh(f)
	return max(stat.Size, f.live.Taken()), nil
}

// decision is what a file's bytes say about the sources with its head.
type decision struct {
	is     *commit.Candidate // the source that it is proved to be, and that nobody owns
	from   *logFile          // or the owner of is, of which it is a continuation
	upTo   int64             // to where the file was compared with that
	copyOf *commit.Candidate // the source whose owner it says nothing else than
	maybe  *commit.Candidate // the source that it ends before
	free   uint64            // the least ordinal that nobody has
	told   *commit.Told
	all    []*commit.Candidate
	reach  int64         // up to where it had to be compared with owners, until it differed
	facts  []source.Mark // points of the file that told it apart from owners
}

// reachOf is up to where the first batch has to go if the file is to be the k-th source.
func (d *decision) reachOf(k uint64) int64 { return max(d.reach, d.told.Reach(d.all, k)) }

// judge holds a file against all sources with its head. Group and file are locked, and nobody asks
// the sink meanwhile.
func (r *resolver) judge(f *logFile, c *commit.Claim) (*decision, error) {
	all, free, err := r.Sources.Candidates(c.Family)
	if err != nil {
		return nil, err
	}
	d := &decision{free: free, told: &commit.Told{}, all: all}
	if e, err := r.sameInode(f, c, all); e != nil || err != nil {
		d.is = e
		return d, err
	}
	if len(all) == 0 {
		return d, nil
	}
	if d.told, err = commit.TellEarly(r.ctx, c.File); err != nil {
		return nil, err
	}
	some := d.told.NotRefuted(all)
	if err := d.told.Hold(r.ctx, c.File, some); err != nil {
		return nil, err
	}
	for _, e := range d.told.NotRefuted(some) {
		if err := r.weighIn(f, c, e, d); err != nil {
			return nil, err
		}
	}
	if d.is == nil && d.copyOf == nil && d.maybe != nil {
		return d, r.weighAgainstFile(f, c, d)
	}
	return d, nil
}

// weighIn holds the file against one source that its points do not refute. What is proved and free
// beats what has an owner; of several the furthest counts.
func (r *resolver) weighIn(f *logFile, c *commit.Claim, e *commit.Candidate, d *decision) error {
	v := e.Match(d.told.Points, d.told.Length)
	o := r.activeFile(e.Key)
	if o != nil && o != f {
		like, err := r.compare(c, d, v, e, o)
		switch {
		case err != nil:
			return err
		case like.Differ:
			return nil
		case v == identity.Undecided && (like.cut || like.Longer):
			d.maybe = cmp.Or(d.maybe, e) // the owner does not have what it says besides
		case v == identity.Proved && d.is == nil && like.continues():
			d.is, d.from, d.upTo = e, o, like.Until
		case d.copyOf == nil:
			d.copyOf = e
		}
		return nil
	}
	switch {
	case e.Src == nil && e.Sink == nil && len(e.Points) == 0:
		return commit.ErrAgain // its owner has let go of it just now
	case v == identity.Undecided:
		d.maybe = cmp.Or(d.maybe, e)
	case d.is == nil || d.from != nil || e.End > d.is.End:
		d.is, d.from = e, nil
	}
	return nil
}

// weighAgainstFile holds a file that is undecided about a source against the file that the source was
// last read from, if that one is at hand.
func (r *resolver) weighAgainstFile(f *logFile, c *commit.Claim, d *decision) error {
	maybe := d.maybe
	now := heldAgainst{key: maybe.Key, length: d.told.Length}
	if maybe.Src != nil {
		now.path = maybe.Src.Path
	}
	if f.against == now {
		return nil // it agreed
	}
	left, sure, err := r.Sources.HoldAgainstFiles(r.ctx, *c, d.told, []*commit.Candidate{maybe})
	if err == nil && len(left) == 0 {
		return commit.ErrAgain // what told them apart is known now
	}
	if sure {
		f.against = now
	}
	return err
}

// heldAgainst is a source against whose file a file was held, and how long the file was then.
type heldAgainst struct {
	key    source.Key
	length int64
	path   string // of that file
}
