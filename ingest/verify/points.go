package verify

import (
	"bytes"
	"cmp"
	"slices"

	"logseal/ingest/source"
)

// points index one table by what its manifests say of chains, to find twins by the sink alone.
//
// The rule: two sources are twins when the end of one, or of both, is a point of the other and the
// chains there are equal. Points of a source are the ends of its batches and lost ranges, and the
// standard marks within them. A chain is the hash of all bytes before it, so the shorter source is
// byte for byte the beginning of the longer, and logs that differ anywhere before its end are never
// twins.
//
// Nothing less is proof. Where both agree at a point, and the shorter goes on to an end that is no
// point of the longer, they may be one log that was read twice, or two with one banner: the same
// manifests stand for either. Nothing is said of those, however late the point they agree at; a
// log given as a source tells. So all that hold the same file whole are found, and of those that
// hold a beginning of it the ones that end where another has a point.
//
// It holds 24 bytes for each point, and 32 for each source. The manifests of a table come one after
// the other, so that one table is indexed at a time.
type points struct {
	twins
	list []point
}

// point is a place of a source. Its chain is shortened: that two differ in what is left out is as
// good as impossible.
type point struct {
	offset int64
	source int32 // index into sources
	chain  [12]byte
}

func newPoints(t source.Table) *points { return &points{twins: twins{table: t}} }

// mark takes a point of the source that is being walked.
func (ps *points) mark(m source.Mark) {
	p := point{offset: m.Offset, source: int32(len(ps.sources))}
	copy(p.chain[:], m.Chain[:])
	ps.list = append(ps.list, p)
}

// match hands yield the twins of the table, as pairs does. Nothing may be added any more.
func (ps *points) match(yield func(t *twins, short, long int32)) {
	slices.SortFunc(ps.list, func(a, b point) int {
		return cmp.Or(a.compare(b), cmp.Compare(a.source, b.source))
	})
	var group []int32
	for rest := ps.list; len(rest) > 0; {
		at, ends := rest[0], 0
		for group = group[:0]; len(rest) > 0 && rest[0].compare(at) == 0; rest = rest[1:] {
			i := rest[0].source
			if n := len(group); n > 0 && group[n-1] == i {
				continue
			}
			group = append(group, i)
			if ps.sources[i].end == at.offset {
				ends++
			}
		}
		if ends > 0 && len(group) > 1 {
			ps.pairs(group, at.offset, yield)
		}
	}
}

// compare orders by place and chain.
func (p point) compare(q point) int {
	return cmp.Or(cmp.Compare(p.offset, q.offset), bytes.Compare(p.chain[:], q.chain[:]))
}
