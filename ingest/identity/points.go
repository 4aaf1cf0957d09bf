package identity

import (
	"cmp"
	"slices"

	"logseal/ingest/source"
)

// Points are facts about one content: the chain at marks, at batch ends and wherever it was held
// against another content. They are in order of their offset, each offset once. Points are not
// changed once they are shared.
type Points []source.Mark

// With gives p and more. Where both have an offset, p's chain stays.
func (p Points) With(more ...source.Mark) Points {
	all := slices.Concat(p, more)
	slices.SortStableFunc(all, compareOffsets)
	return slices.CompactFunc(all, func(a, b source.Mark) bool { return a.Offset == b.Offset })
}

// UpTo gives the points at or before off.
func (p Points) UpTo(off int64) Points {
	n, found := slices.BinarySearchFunc(p, source.Mark{Offset: off}, compareOffsets)
	if found {
		n++
	}
	return p[:n:n]
}

// At gives the chain at off, if p has it.
func (p Points) At(off int64) (source.Digest, bool) {
	i, found := slices.BinarySearchFunc(p, source.Mark{Offset: off}, compareOffsets)
	if !found {
		return source.Digest{}, false
	}
	return p[i].Chain, true
}

// Differ reports whether both have a chain at one offset, and not the same: then their contents are
// different, however they grow. Without such an offset nothing is known.
func (p Points) Differ(q Points) bool {
	_, differ := p.DifferAt(q)
	return differ
}

// DifferAt gives the first offset at which both have a chain, and not the same; false if there is
// none.
func (p Points) DifferAt(q Points) (int64, bool) {
	for len(p) > 0 && len(q) > 0 {
		switch a, b := p[0], q[0]; {
		case a.Offset < b.Offset:
			p = p[1:]
		case a.Offset > b.Offset:
			q = q[1:]
		case a.Chain != b.Chain:
			return a.Offset, true
		default:
			p, q = p[1:], q[1:]
		}
	}
	return 0, false
}

func compareOffsets(a, b source.Mark) int { return cmp.Compare(a.Offset, b.Offset) }
