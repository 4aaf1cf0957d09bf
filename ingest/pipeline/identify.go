package pipeline

import (
	"errors"
	"fmt"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/source"
)

// identify tells who a file is. It reports true when the file is now the owner of a source; else it
// holds nothing yet, or is left unread until something changes.
func (t *Tail) identify(f *followed) (bool, error) {
	began := time.Now()
	c, err := t.claimOf(f)
	if err != nil {
		return false, err
	}
	if c == nil {
		t.mu.Lock()
		if f.cut && !f.final {
			t.dueBy(f, f.goneAt.Add(t.set().CloseWait)) // what is there of it is all there will be
		}
		t.mu.Unlock()
		return false, nil
	}
	defer func() { c.file.Close() }()
	g := t.join(f, keyOf(c.stream.Table(), c.origin, 0, c.head))
	g.Lock()
	defer g.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := t.judge(f, c)
	if err != nil {
		return false, shrunkLater(err)
	}
	owns, err := t.decide(f, c, d)
	if err == nil && !owns {
		t.lookAgainAfter(f, time.Since(began))
	}
	return owns, err
}

// shrunkLater has a file looked at again that became shorter while it was held against others, or
// that was held against one that did: the next look finds another incarnation.
func shrunkLater(err error) error {
	if errors.As(err, new(*files.ShrunkError)) {
		return errAgain
	}
	return err
}

// unreadWait is how long a file that is left unread rests, if neither it nor what it was held
// against changes.
const unreadWait = time.Minute

// lookAgainAfter lets a file rest that took long to tell apart and may take as long again.
func (t *Tail) lookAgainAfter(f *followed, took time.Duration) {
	if f.live == nil {
		return // it was let go
	}
	t.unhold(f)
	t.mu.Lock()
	defer t.mu.Unlock()
	f.view.held = 0
	t.dueBy(f, time.Now().Add(max(unreadWait, 4*took)))
	switch {
	case f.view.standing == isNew:
		t.dueBy(f, time.Time{})
	case f.view.standing == isUndecided && time.Since(f.moved) >= t.set().CloseWait:
		t.notices.raise(Problem{Undecided, f.path, fmt.Sprintf("it agrees with source %s as far as it "+
			"goes, but ends before what is committed of that: an older state, or a copy that was "+
			"given up; it is left unread until it changes", f.view.about.ID)})
	}
}

// claimOf makes a claim of what the file holds now; nil when that does not tell who it is yet.
func (t *Tail) claimOf(f *followed) (*claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return nil, nil
	}
	view, head, err := t.headOf(f)
	if err != nil {
		return nil, shrunkLater(err)
	}
	if head == nil {
		view.Close()
		if t.isGone(f) {
			t.letGo(f) // it never held anything
		}
		return nil, nil
	}
	origin, err := f.stream().originOf(f.live.Path())
	if err != nil {
		view.Close()
		return nil, stop(Halted, f.live.Path(), "%v", err)
	}
	return &claim{
		stream: f.stream().Stream, origin: origin, path: f.live.Path(), file: view, head: head,
	}, nil
}

// headFirst is how much is read of a file at first; most heads are shorter.
const headFirst = 4 << 10

// headOf finds the head of a file, nil when it has none yet, in a view of all that it has.
func (t *Tail) headOf(f *followed) (view *files.File, head []byte, err error) {
	for _, limit := range []int64{headFirst, source.HeadWindow} {
		end, err := t.readHead(f, limit)
		if err != nil {
			return nil, nil, err
		}
		if view, err = f.live.View(end, f.final); err != nil {
			return nil, nil, err
		}
		head, ok, err := view.Head(f.final, nil)
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
func (t *Tail) readHead(f *followed, limit int64) (int64, error) {
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
	if stat.Size != f.size && t.wasTruncated(f) {
		return f.live.Taken(), nil
	}
	t.noteSize(f, stat)
	for f.live.Taken() < min(stat.Size, limit) {
		at := f.live.Taken()
		n, err := f.live.Read(limit - at)
		if errors.As(err, new(*files.TruncatedError)) {
			t.truncated(f)
			return f.live.Taken(), nil
		}
		if err != nil {
			if _, again := f.live.Look(); again == nil && f.live.Compressed() {
				return 0, errAgain // it was empty when it was looked at
			}
			return 0, err
		}
		if n == 0 {
			break
		}
		f.arrived.add(at, time.Now(), f.stream().MaxAge)
		t.countRead(f.stream().Epoch.Stream, n)
	}
	t.weigh(f)
	return max(stat.Size, f.live.Taken()), nil
}

// decision is what a file's bytes say about the sources with its head.
type decision struct {
	is      *evidence // the source that it is proved to be, and that nobody owns
	from    *followed // or the owner of is, of which it is a continuation
	upTo    int64     // to where the file was compared with that
	copyOf  *evidence // the source whose owner it says nothing else than
	maybe   *evidence // the source that it ends before
	freeK   uint64    // the least k that nobody has
	marks   map[int64]source.Point
	differs []source.ID // those with a k below, when the ledger knows that it is none of them
	lower   bool        // the manifests of every k below is, or below freeK, refute it
}

// judge holds a file against all sources with its head. Group and file are locked.
func (t *Tail) judge(f *followed, c *claim) (*decision, error) {
	all, freeK, err := t.knownHere(c)
	if err != nil {
		return nil, err
	}
	d := &decision{freeK: freeK}
	if e, err := t.sameInode(f, c, all); e != nil || err != nil {
		d.is = e
		return d, err
	}
	marks, length, err := marksOf(t.ctx, c.file, all)
	if err != nil {
		return nil, err
	}
	d.marks = marks
	for _, e := range all {
		if err := t.weighIn(f, c, e, length, d); err != nil {
			return nil, err
		}
	}
	below := all[:min(uint64(len(all)), freeK)]
	if d.is != nil {
		below = all[:min(uint64(len(all)), d.is.k)]
	}
	d.lower = lowerRefuted(below, marks, length)
	d.differs = lowerIDs(below, marks, length)
	return d, nil
}

// weighIn holds the file against one source. What is proved and free beats what has an owner; of
// several the furthest counts.
func (t *Tail) weighIn(
	f *followed, c *claim, e *evidence, length int64, d *decision,
) error {
	v := e.judge(d.marks, length)
	if v == refuted {
		return nil
	}
	o := t.owner(e.key)
	if o != nil && o != f {
		like, err := t.compare(c, length, v, e, o)
		switch {
		case err != nil:
			return err
		case like.Differ:
			return nil
		case v == proved && d.is == nil && like.continues():
			d.is, d.from, d.upTo = e, o, like.Until
		case d.copyOf == nil:
			d.copyOf = e
		}
		return nil
	}
	switch {
	case v == undecided:
		if d.maybe == nil {
			d.maybe = e
		}
	case d.is == nil || d.from != nil || e.committed() > d.is.committed():
		d.is, d.from = e, nil
	}
	return nil
}

// likeness is how a file compares with the owner of a source.
type likeness struct {
	files.Agreement
	cut bool // the owner was truncated
}

// continues tells whether the file is to be read in the owner's place: a longer one is, for what is
// shorter can only be a copy of it, and so is any that has all of one that was truncated.
func (l likeness) continues() bool { return l.Longer || l.cut && !l.Behind }

// compare holds a file against the owner of a source that its chain does not refute, as far as both
// go.
func (t *Tail) compare(
	c *claim, length int64, v verdict, e *evidence, o *followed,
) (like likeness, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.w == nil || o.w.key != e.key || o.live == nil {
		return like, errAgain
	}
	if like.cut = o.cut; o.cut && v == undecided {
		return like, nil // what it could be compared with is no longer there
	}
	end := o.live.Taken()
	if stat, err := o.live.Look(); err == nil && !o.cut {
		end = max(end, stat.Size)
	}
	view, err := o.live.View(end, true)
	if err != nil {
		return like, err
	}
	defer view.Close()
	from := int64(0)
	for _, x := range e.ends {
		if x.Offset <= length && x.Offset <= end {
			from = x.Offset // up to there the chains agree
		}
	}
	like.Agreement, err = files.Compare(t.ctx, c.file, view, from)
	return like, err
}
