package identity

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A file of which all of a candidate's points are known is matched as its bytes say: it is refuted only
// if it differs, and proved only if it holds all that is committed.
func TestCandidate_MatchSaysNothingWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file, src, _, points := contents(t)
		end := rapid.Int64Range(0, int64(len(src))).Draw(t, "end")
		c := Candidate{Points: points.With(pointsOf(src, []int64{end})...), End: end}
		var offsets []int64
		for _, p := range c.Points {
			offsets = append(offsets, p.Offset)
		}
		same := commonLength(file, src)
		switch c.Match(pointsOf(file, offsets), int64(len(file))) {
		case Proved:
			require.GreaterOrEqual(t, same, end)
		case Refuted:
			require.Less(t, same, int64(min(len(file), len(src))))
		case Undecided:
			require.Less(t, int64(len(file)), end)
		}
	})
}
