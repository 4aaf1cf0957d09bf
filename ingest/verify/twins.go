package verify

import (
	"cmp"
	"slices"
	"strings"

	"logseal/ingest/source"
)

// twins are sources of one table, to find those that hold the same bytes. There may be millions: of
// each it holds 32 bytes, and more only of one that lacks something.
type twins struct {
	table   source.Table
	origins []string
	sources []twin
	lacks   map[int32][]source.Range // by source: what no batch of it holds, in order
}

// twin is one of them.
type twin struct {
	id     source.ID
	origin int32 // index into origins
	end    int64 // of its last range
}

// close takes a source whose ranges, some at least, have all been walked. Those of one origin come
// one after the other.
func (t *twins) close(c *coverage) {
	if n := len(t.origins); n == 0 || t.origins[n-1] != c.key.Origin {
		t.origins = append(t.origins, strings.Clone(c.key.Origin)) // it is a piece of a longer key
	}
	i := int32(len(t.sources))
	lacks, end := c.lacks()
	t.sources = append(t.sources, twin{id: c.key.ID, origin: int32(len(t.origins)) - 1, end: end})
	if len(lacks) > 0 {
		if t.lacks == nil {
			t.lacks = map[int32][]source.Range{}
		}
		t.lacks[i] = lacks
	}
}

// lacks gives the ranges that no batch of the source holds, and where its last range ends.
func (c *coverage) lacks() (lacks []source.Range, end int64) {
	at := int64(0) // batches, and what is already in lacks, go up to here
	for _, s := range c.spans {
		end = max(end, s.End)
		if s.loss {
			continue
		}
		if s.Start > at {
			lacks = append(lacks, source.Range{Start: at, End: s.Start})
		}
		at = max(at, s.End)
	}
	if at < end {
		lacks = append(lacks, source.Range{Start: at, End: end})
	}
	return lacks, end
}

// all gives every source.
func (t *twins) all() []int32 {
	all := make([]int32, len(t.sources))
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

func (t *twins) key(i int32) source.Key {
	s := t.sources[i]
	return source.Key{Table: t.table, Origin: t.origins[s.origin], ID: s.id}
}

// pairs hands yield, of sources that each say the same as any longer one as far as they go, those
// that end at upTo or before, with a longer one, or an equal one before it: one of their origin and
// one of another, as far as there are. So n equal sources are no n² pairs, and each is in one.
func (t *twins) pairs(group []int32, upTo int64, yield func(t *twins, short, long int32)) {
	slices.SortFunc(group, func(a, b int32) int {
		return cmp.Or(cmp.Compare(t.sources[b].end, t.sources[a].end), cmp.Compare(a, b))
	})
	origin := func(n int) int32 { return t.sources[group[n]].origin }
	first := map[int32]int{} // place in group of the first of an origin
	other := 0               // and of the first of another origin than that of the very first
	for n, short := range group {
		if _, ok := first[origin(n)]; !ok {
			first[origin(n)] = n
		}
		if other == 0 && origin(n) != origin(0) {
			other = n
		}
		if t.sources[short].end > upTo {
			continue
		}
		if long, ok := t.holder(short, group[first[origin(n)]:n], true); ok {
			yield(t, short, long)
		}
		begin := 0
		if origin(n) == origin(0) {
			begin = cmp.Or(other, n) // those before are of its origin
		}
		if long, ok := t.holder(short, group[begin:n], false); ok {
			yield(t, short, long)
		}
	}
}

// holder gives the first of some sources that has rows of bytes of which another has rows too, and
// is of its origin, or is not.
func (t *twins) holder(short int32, longer []int32, sameOrigin bool) (int32, bool) {
	for _, long := range longer {
		if (t.sources[long].origin == t.sources[short].origin) != sameOrigin {
			continue
		}
		if _, ok := t.shared(short, long); ok {
			return long, true
		}
	}
	return 0, false
}

// shared gives the first range of which both sources have rows. They say the same up to the end of
// short.
func (t *twins) shared(short, long int32) (source.Range, bool) {
	r := source.Range{End: t.sources[short].end}
	a, b := t.lacks[short], t.lacks[long]
	for len(a) > 0 || len(b) > 0 {
		if len(a) == 0 || len(b) > 0 && b[0].Start < a[0].Start {
			a, b = b, a
		}
		if a[0].Start > r.Start {
			r.End = min(r.End, a[0].Start)
			break
		}
		r.Start = max(r.Start, a[0].End)
		a = a[1:]
	}
	return r, r.Start < r.End
}
