package identity

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

// pointsOf gives the points of a content at offsets.
func pointsOf(content []byte, offsets []int64) (p Points) {
	for _, off := range offsets {
		if off > 0 && off <= int64(len(content)) {
			p = p.With(source.Mark{Offset: off, Chain: source.DigestOf(content[:off])})
		}
	}
	return p
}

// contents draws two contents that agree for a while, and some offsets of each.
func contents(t *rapid.T) (a, b []byte, p, q Points) {
	line := rapid.SliceOfN(rapid.SampledFrom([]byte("xy")), 0, 12)
	common := line.Draw(t, "common")
	a = append(append([]byte{}, common...), line.Draw(t, "a")...)
	b = append(append([]byte{}, common...), line.Draw(t, "b")...)
	offsets := rapid.SliceOfN(rapid.Int64Range(1, 24), 0, 8)
	return a, b, pointsOf(a, offsets.Draw(t, "p")), pointsOf(b, offsets.Draw(t, "q"))
}

// commonLength is up to where two contents say the same.
func commonLength(a, b []byte) int64 {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return int64(n)
}

func TestPoints_DifferOnlyWhereContentsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, p, q := contents(t)
		at, differ := p.DifferAt(q)
		same := commonLength(a, b)
		want := false
		for _, x := range p {
			if _, both := q.At(x.Offset); both && x.Offset > same {
				want = true
			}
		}
		require.Equal(t, want, differ)
		require.Equal(t, differ, q.Differ(p), "it is symmetric")
		if differ {
			require.Greater(t, at, same)
			require.LessOrEqual(t, at, int64(min(len(a), len(b))))
		}
	})
}

func TestPoints_UpTo(t *testing.T) {
	p := pointsOf([]byte("abcdefgh"), []int64{2, 4, 8})
	require.Empty(t, p.UpTo(1))
	require.Equal(t, p[:1], p.UpTo(2))
	require.Equal(t, p[:1], p.UpTo(3))
	require.Equal(t, p, p.UpTo(100))
}

func TestPoints_WithKeepsItsOwn(t *testing.T) {
	p := Points{{Offset: 2, Chain: source.Digest{1}}}
	q := p.With(source.Mark{Offset: 2, Chain: source.Digest{2}}, source.Mark{Offset: 1})
	require.Equal(t, Points{{Offset: 1}, {Offset: 2, Chain: source.Digest{1}}}, q)
	require.Len(t, p, 1, "it is not changed")
}
