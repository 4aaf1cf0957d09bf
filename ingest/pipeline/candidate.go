package pipeline

import (
	"context"
	"errors"
	"slices"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// candidate is a source that a file may be, with what ledger and sink know of it.
type candidate struct {
	identity.Candidate
	src  *offsets.Source     // nil: the ledger does not have it
	sink *identity.Committed // nil: nothing of it is known to be in the sink
}

// candidates lists the sources of a family that ledger or sink have, or that a file of this host is
// read as, in the order of their ordinals, and gives the least ordinal that is free.
func (r *run) candidates(f *family) (all []*candidate, free uint64, err error) {
	for ; ; free++ {
		c, err := r.candidate(f, free)
		if err != nil {
			return nil, 0, err
		}
		if c == nil {
			break
		}
		all = append(all, c)
	}
	// Above an ordinal that came free there may be more.
	for _, k := range r.ordinalsAbove(f, free) {
		c, err := r.candidate(f, k)
		if err != nil {
			return nil, 0, err
		}
		if c != nil {
			all = append(all, c)
		}
	}
	return all, free, nil
}

// candidate is the k-th source of a family; nil when nobody has it.
func (r *run) candidate(f *family, k uint64) (*candidate, error) {
	h, err := f.heldBy(r.Ledger, k)
	if err != nil {
		return nil, err
	}
	c := &candidate{src: h.src, sink: f.Committed(k)}
	c.Key, c.K = f.key(k), k
	points := h.points
	if h.src != nil {
		points = points.UpTo(h.src.Sealed.Offset)
	}
	switch {
	case c.src == nil && c.sink == nil:
		if seen, ok := r.wasSeen(c.Key); ok {
			c.Points = seen
		} else if !r.isRead(c.Key) {
			return nil, nil
		}
	case c.src == nil || c.sink != nil && points.Differ(c.sink.Points):
		// What the ledger has under this id is another source, as will show before it ships.
		c.src, c.Points, c.End = nil, c.sink.Points, c.sink.End
	case c.sink == nil:
		c.Points, c.End = points, c.src.Sealed.Offset
	default:
		c.Points = points.With(c.sink.Points...)
		c.End = max(c.src.Sealed.Offset, c.sink.End)
	}
	return c, nil
}

// ordinalsAbove gives the ordinals after k that sources of this host may have.
func (r *run) ordinalsAbove(f *family, k uint64) (ks []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.searched {
		f.searched = true
		for _, x := range r.unsent.all() {
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

// told is what a file says of itself: its chain at the offsets that were asked for.
type told struct {
	marks  map[int64]source.Point
	points identity.Points
	length int64 // up to here the file was read; where it ends, if that is before the last offset
	// facts are the points that tell the file apart from others and that no batch of it will tell: they
	// are at no mark.
	facts []source.Mark
}

// earlyMarks end where most files that begin alike have long been told apart.
const earlyMarks = 1 << 20

// tellEarly reads the first marks of a file.
func tellEarly(ctx context.Context, file *files.File) (*told, error) {
	var at []int64
	for off := source.NextMark(0); off <= earlyMarks; off = source.NextMark(off) {
		at = append(at, off)
	}
	x := &told{}
	return x, x.read(ctx, file, at)
}

// read reads a file up to the last of the offsets, and adds its points there.
func (x *told) read(ctx context.Context, file *files.File, at []int64) error {
	at = slices.Clone(at)
	for off := range x.marks {
		at = append(at, off)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	if len(at) == 0 {
		return nil
	}
	marks, length, err := marksTo(ctx, file, at)
	if err != nil {
		return err
	}
	x.marks, x.length = marks, length
	x.points = make(identity.Points, 0, len(marks))
	for _, off := range at {
		if p, ok := marks[off]; ok {
			x.points = append(x.points, source.Mark{Offset: off, Chain: p.Chain})
		}
	}
	return nil
}

// hold reads what tells the file apart from all that is known of candidates.
func (x *told) hold(ctx context.Context, file *files.File, all []*candidate) error {
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
	if err := x.read(ctx, file, at); err != nil {
		return err
	}
	for _, c := range all {
		off, differ := c.Points.DifferAt(x.points)
		if differ && source.NextMark(off-1) != off {
			x.facts = append(x.facts, source.Mark{Offset: off, Chain: x.marks[off].Chain})
		}
	}
	return nil
}

// notRefuted leaves out the candidates that the file is known not to be.
func (x *told) notRefuted(all []*candidate) (some []*candidate) {
	for _, c := range all {
		if !c.Points.Differ(x.points) {
			some = append(some, c)
		}
	}
	return some
}

// reach is up to where the first batch of the k-th source has to go, so that it differs from all of
// these with a lower ordinal. Then no file that holds it can be one of those.
func (x *told) reach(all []*candidate, k uint64) (reach int64) {
	for _, c := range all {
		if off, differ := c.Points.DifferAt(x.points); differ && c.K < k {
			reach = max(reach, off)
		}
	}
	return reach
}

// weigh picks the source that the file is proved to be, the furthest of several, and those that are
// undecided.
func (x *told) weigh(all []*candidate) (best *candidate, maybe []*candidate) {
	for _, c := range all {
		switch c.Match(x.points, x.length) {
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

// narrow gives the candidates that the file may be, with all that the sink has of those that it
// alone knows, and what the file says at their points.
func (r *run) narrow(ctx context.Context, f *family, file *files.File, all []*candidate) (
	*told, []*candidate, error) {
	if len(all) == 0 {
		return &told{}, nil, nil
	}
	x, err := tellEarly(ctx, file)
	if err != nil {
		return nil, nil, err
	}
	some := x.notRefuted(all)
	for i, c := range some {
		if c.src != nil || c.sink == nil || c.sink.Whole {
			continue
		}
		if err := r.follow(ctx, f, c.K); err != nil {
			return nil, nil, err
		}
		fresh, err := r.candidate(f, c.K)
		if err != nil {
			return nil, nil, err
		}
		if fresh == nil {
			some[i] = nil
			continue
		}
		*c = *fresh // the caller has it, too
	}
	some = slices.DeleteFunc(some, func(c *candidate) bool { return c == nil })
	if err := x.hold(ctx, file, some); err != nil {
		return nil, nil, err
	}
	return x, x.notRefuted(some), nil
}

func marksTo(ctx context.Context, f *files.File, at []int64) (map[int64]source.Point, int64, error) {
	marks, reached, err := f.MarksTo(ctx, at)
	if errors.As(err, new(*files.CorruptError)) {
		err = nil
	}
	return marks, reached, err
}
