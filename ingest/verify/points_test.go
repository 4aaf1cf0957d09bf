package verify

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

// log is a source as the model of twins knows it: all of its bytes.
type log struct {
	key    source.Key
	data   []byte
	points []int64 // rising; the last is the end
	spans  []span
}

// drawLogs draws logs of which many begin alike, as manifests list them.
func drawLogs(t *rapid.T, table source.Table) []log {
	var logs []log
	for _, origin := range []string{"", "a", "b"} {
		for i := range rapid.IntRange(0, 5).Draw(t, "logs") {
			data := rapid.SliceOfN(rapid.SampledFrom([]byte("xy")), 1, 4).Draw(t, "data")
			data = bytes.Repeat(data, rapid.IntRange(1, 3).Draw(t, "times"))
			l := log{key: source.Key{Table: table, Origin: origin, ID: source.ID{byte(i)}}, data: data}
			for end := int64(1); end <= int64(len(data)); end++ {
				if end == int64(len(data)) || rapid.Bool().Draw(t, "point") {
					l.points = append(l.points, end)
				}
			}
			at := int64(0)
			for _, end := range l.points {
				l.spans = append(l.spans, span{source.Range{Start: at, End: end},
					rapid.IntRange(0, 3).Draw(t, "loss") == 0})
				at = end
			}
			logs = append(logs, l)
		}
	}
	return logs
}

// has reports whether the log has a row of a byte.
func (l log) has(at int64) bool {
	return slices.ContainsFunc(l.spans, func(s span) bool {
		return !s.loss && s.Start <= at && at < s.End
	})
}

// isIn reports whether a longer log, or an equal one before it, has rows of what l has rows of, and
// the sink proves it; and the first byte of which both have one.
func (l log) isIn(long log) (int64, bool) {
	if !bytes.HasPrefix(long.data, l.data) || !slices.Contains(long.points, int64(len(l.data))) {
		return 0, false
	}
	for at := range int64(len(l.data)) {
		if l.has(at) && long.has(at) {
			return at, true
		}
	}
	return 0, false
}

// What is found is just what a comparison of all logs with all others finds that have the bytes.
func TestPoints_FindWhatAllPairsGive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := source.Table{Stream: "app", Version: 1}
		logs := drawLogs(t, table)
		ps := newPoints(table)
		want := map[told]bool{}
		for i, l := range logs {
			for _, at := range l.points {
				ps.mark(source.Mark{Offset: at, Chain: source.DigestOf(l.data[:at])})
			}
			ps.close(&coverage{key: l.key, spans: l.spans})
			for j, long := range logs {
				if _, ok := l.isIn(long); ok && j != i && (len(long.data) > len(l.data) || j < i) {
					want[told{l.key, l.key.Origin == long.key.Origin}] = true
				}
			}
		}
		got := map[told]bool{}
		ps.match(func(ts *twins, short, long int32) {
			a, b := logs[short], logs[long]
			require.Equal(t, []source.Key{a.key, b.key}, []source.Key{ts.key(short), ts.key(long)})
			at, ok := a.isIn(b)
			require.True(t, ok)
			r, ok := ts.shared(short, long)
			require.True(t, ok)
			require.Equal(t, at, r.Start)
			for at := r.Start; at < r.End; at++ {
				require.True(t, a.has(at) && b.has(at))
			}
			require.False(t, r.End < int64(len(a.data)) && a.has(r.End) && b.has(r.End))
			got[told{a.key, a.key.Origin == b.key.Origin}] = true
		})
		require.Equal(t, want, got)
	})
}
