package commit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// sources lists the sources that a file may be, by ledger and sink, and lets a file say which one it is.
type sources struct {
	*Engine

	Families *families
	// Reading reports whether a file is read as a source, of which the ledger may have nothing yet; nil
	// for never.
	Reading func(source.Key) bool
	// Seen gives what is known of a source that is missing and of which nothing is sealed; nil for none.
	Seen func(source.Key) (identity.Points, bool)
}

// Candidate is a source that a file may be, with what ledger and sink know of it.
type Candidate struct {
	identity.Candidate
	Src  *offsets.Source     // nil: the ledger does not have it
	Sink *identity.Committed // nil: nothing of it is known to be in the sink
}

// Candidates lists the sources of a family that ledger or sink have, or that a file of this host is
// read as, in the order of their ordinals, and gives the least ordinal that is free.
func (u *sources) Candidates(f *Family) (all []*Candidate, free uint64, err error) {
	for ; ; free++ {
		c, err := u.Candidate(f, free)
		if err != nil {
			return nil, 0, err
		}
		if c == nil {
			break
		}
		all = append(all, c)
	}
	// Above an ordinal that came free there may be more.
	for _, k := range u.ordinalsAbove(f, free) {
		c, err := u.Candidate(f, k)
		if err != nil {
			return nil, 0, err
		}
		if c != nil {
			all = append(all, c)
		}
	}
	return all, free, nil
}

// Candidate is the k-th source of a family; nil when nobody has it.
func (u *sources) Candidate(f *Family, k uint64) (*Candidate, error) {
	h, err := f.heldBy(u.Ledger, k)
	if err != nil {
		return nil, err
	}
	c := &Candidate{Src: h.src, Sink: f.Committed(k)}
	c.Key, c.K = f.KeyOf(k), k
	points := h.points
	if h.src != nil {
		points = points.UpTo(h.src.Sealed.Offset)
	}
	switch {
	case c.Src == nil && c.Sink == nil:
		if seen, ok := u.wasSeen(c.Key); ok {
			c.Points = seen
		} else if !u.isRead(c.Key) {
			return nil, nil
		}
	case c.Src == nil || c.Sink != nil && points.Differ(c.Sink.Points):
		// What the ledger has under this id is another source, as will show before it ships.
		c.Src, c.Points, c.End = nil, c.Sink.Points, c.Sink.End
	case c.Sink == nil:
		c.Points, c.End = points, c.Src.Sealed.Offset
	default:
		c.Points = points.With(c.Sink.Points...)
		c.End = max(c.Src.Sealed.Offset, c.Sink.End)
	}
	return c, nil
}

// ordinalsAbove gives the ordinals after k that sources of this host may have.
func (u *sources) ordinalsAbove(f *Family, k uint64) (ks []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.searched {
		f.searched = true
		for _, x := range u.Recovery.unsent.all() {
			if x.key == f.Key(x.k) {
				f.seen[x.k] = true
			}
		}
	}
	for x := range f.seen {
		if x > k {
			ks = append(ks, x)
		}
	}
	slices.Sort(ks)
	return ks
}

// Told is what a file says of itself: its chain at the offsets that were asked for.
type Told struct {
	Marks  map[int64]source.Point
	Points identity.Points
	Length int64 // up to here the file was read; where it ends, if that is before the last offset
	// facts are the points that tell the file apart from others and that no batch of it will tell: they
	// are at no mark.
	facts []source.Mark
}

// earlyMarks end where most files that begin alike have long been told apart.
const earlyMarks = 1 << 20

// TellEarly reads the first marks of a file.
func TellEarly(ctx context.Context, file *files.File) (*Told, error) {
	var at []int64
	for off := source.NextMark(0); off <= earlyMarks; off = source.NextMark(off) {
		at = append(at, off)
	}
	x := &Told{}
	return x, x.Read(ctx, file, at)
}

// Read reads a file up to the last of the offsets, and adds its points there.
func (x *Told) Read(ctx context.Context, file *files.File, at []int64) error {
	at = slices.Clone(at)
	for off := range x.Marks {
		at = append(at, off)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	if len(at) == 0 {
		return nil
	}
	marks, length, err := MarksTo(ctx, file, at)
	if err != nil {
		return err
	}
	x.Marks, x.Length = marks, length
	x.Points = make(identity.Points, 0, len(marks))
	for _, off := range at {
		if p, ok := marks[off]; ok {
			x.Points = append(x.Points, source.Mark{Offset: off, Chain: p.Chain})
		}
	}
	return nil
}

// Hold reads what tells the file apart from all that is known of candidates.
func (x *Told) Hold(ctx context.Context, file *files.File, all []*Candidate) error {
	var at []int64
	for _, c := range all {
		at = append(at, c.End)
		for _, p := range c.Points {
			at = append(at, p.Offset)
		}
	}
	if len(at) == 0 {
		return nil
	}
	if err := x.Read(ctx, file, at); err != nil {
		return err
	}
	for _, c := range all {
		off, differ := c.Points.DifferAt(x.Points)
		if differ && source.NextMark(off-1) != off {
			x.facts = append(x.facts, source.Mark{Offset: off, Chain: x.Marks[off].Chain})
		}
	}
	return nil
}

// NotRefuted leaves out the candidates that the file is known not to be.
func (x *Told) NotRefuted(all []*Candidate) (some []*Candidate) {
	for _, c := range all {
		if !c.Points.Differ(x.Points) {
			some = append(some, c)
		}
	}
	return some
}

// Reach is up to where the first batch of the k-th source has to go, so that it differs from all of
// these with a lower ordinal. Then no file that holds it can be one of those.
func (x *Told) Reach(all []*Candidate, k uint64) (reach int64) {
	for _, c := range all {
		if off, differ := c.Points.DifferAt(x.Points); differ && c.K < k {
			reach = max(reach, off)
		}
	}
	return reach
}

// Weigh picks the source that the file is proved to be, the furthest of several, and those that are
// undecided.
func (x *Told) Weigh(all []*Candidate) (best *Candidate, maybe []*Candidate) {
	for _, c := range all {
		switch c.Match(x.Points, x.Length) {
		case identity.Proved:
			if best == nil || c.End > best.End {
				best = c
			}
		case identity.Undecided:
			maybe = append(maybe, c)
		}
	}
	return best, maybe
}

// Narrow gives the candidates that the file may be, with all that the sink has of those that it
// alone knows, and what the file says at their points.
func (u *sources) Narrow(ctx context.Context, f *Family, file *files.File, all []*Candidate) (
	*Told, []*Candidate, error) {
	if len(all) == 0 {
		return &Told{}, nil, nil
	}
	x, err := TellEarly(ctx, file)
	if err != nil {
		return nil, nil, err
	}
	some := x.NotRefuted(all)
	for i, c := range some {
		if c.Src != nil || c.Sink == nil || c.Sink.Whole {
			continue
		}
		if err := u.follow(ctx, f, c.K); err != nil {
			return nil, nil, err
		}
		fresh, err := u.Candidate(f, c.K)
		if err != nil {
			return nil, nil, err
		}
		if fresh == nil {
			some[i] = nil
			continue
		}
		*c = *fresh // the caller has it, too
	}
	some = slices.DeleteFunc(some, func(c *Candidate) bool { return c == nil })
	if err := x.Hold(ctx, file, some); err != nil {
		return nil, nil, err
	}
	return x, x.NotRefuted(some), nil
}

// MarksTo reads the points of a file at the offsets, and how far the file goes; a fault ends the file.
func MarksTo(ctx context.Context, f *files.File, at []int64) (map[int64]source.Point, int64, error) {
	marks, reached, err := f.MarksTo(ctx, at)
	if errors.As(err, new(*files.CorruptError)) {
		err = nil
	}
	return marks, reached, err
}

// askRest is when a family is asked about again though nothing about it has changed.
type askRest struct {
	until time.Time
	pause time.Duration
}

const (
	askRestFirst = time.Minute
	askRestMax   = time.Hour
)

// Learn asks the sink which sources of the family there are besides those that are known, up to the
// first ordinal that has no manifest.
func (u *sources) Learn(ctx context.Context, f *Family) error {
	if err := f.asks.LockWithin(ctx); err != nil {
		return err
	}
	defer f.asks.Unlock()
	return u.learnOn(ctx, f)
}

// LearnAtRest is learn for a file that has not changed since it was told apart: the longer nothing
// comes of it the more rarely the sink is asked.
func (u *sources) LearnAtRest(ctx context.Context, f *Family) error {
	if err := f.asks.LockWithin(ctx); err != nil {
		return err
	}
	defer f.asks.Unlock()
	if time.Now().Before(f.rest.until) {
		return nil
	}
	before := f.Known()
	if err := u.learnOn(ctx, f); err != nil {
		return err
	}
	f.rest.pause = min(max(askRestFirst, 2*f.rest.pause), askRestMax)
	if f.Known() > before {
		f.rest.pause = askRestFirst
	}
	f.rest.until = time.Now().Add(f.rest.pause)
	return nil
}

// learnOn asks for one ordinal, then for twice as many at a time, as long as all are there.
func (u *sources) learnOn(ctx context.Context, f *Family) error {
	for n := 1; ; n = min(2*n, u.GetsAtOnce) {
		first := f.Known()
		found := make([]*table.Manifest, n)
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { found[i], errs[i] = u.Bucket.manifestAt(ctx, f.KeyOf(first+uint64(i)), 0) })
		}
		wg.Wait()
		for i := range n {
			if errors.Is(errs[i], sink.ErrNotFound) {
				return nil
			}
			if errs[i] != nil {
				return errs[i]
			}
		}
	}
}

// follow reads the manifests of the k-th source of a family to the last, if that was not done yet.
func (u *sources) follow(ctx context.Context, f *Family, k uint64) error {
	if err := f.asks.LockWithin(ctx); err != nil {
		return err
	}
	defer f.asks.Unlock()
	c := f.Committed(k)
	if c == nil || c.Whole {
		return nil
	}
	_, barrier, err := u.Bucket.walkFrom(ctx, f.KeyOf(k), c.End)
	if err == nil {
		f.End(k, barrier)
	}
	return err
}

// stepOf is what a manifest says of its source.
func stepOf(m *table.Manifest) identity.Step {
	return identity.Step{Start: m.Start, End: m.End, Chain: m.ChainOut, Marks: m.Marks,
		OpenEnd: m.OpenEnd, Rest: m.Rest, Loss: isLoss(m)}
}

// FamilyOf holds the family of a source whose head the ledger has; nil when it does not.
func (w *Writer) FamilyOf() (*Family, func()) {
	head := w.Head
	if head == nil {
		head = w.Src.Head
	}
	if head == nil || source.KeyOf(w.Key.Table, w.Key.Origin, w.K, head) != w.Key {
		return nil, nil
	}
	return w.Sources.Families.Use(w.Key.Table, w.Key.Origin, head)
}

// pointsOf is what the ledger knows of a source's content.
func (w *Writer) pointsOf() (identity.Points, error) {
	ends, err := w.Ledger.Ends(w.Key)
	if err != nil {
		return nil, err
	}
	return identity.Points(ends).With(w.told...), nil
}

// alsoCommitted gives the points that the ledger knows of what the sink has: those up to where both
// have the same chain. The ledger may know more of them than manifests tell.
func alsoCommitted(h *heldSource, c *identity.Committed) identity.Points {
	if h.src == nil {
		return nil
	}
	if chain, ok := h.points.At(c.End); ok && chain == c.Chain {
		return h.points.UpTo(max(c.End, h.src.Shipped)) // what is known of the sink may be old
	}
	if h.points.Differ(c.Points) {
		return nil // it is another source, as will show
	}
	return h.points.UpTo(min(h.src.Shipped, c.End))
}
