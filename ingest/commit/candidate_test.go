package commit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/offsets/offsetstest"
	"logseal/ingest/source"
)

func TestCandidate_AMarkIsNoBatchEnd(t *testing.T) {
	content := []byte(strings.Repeat("a1\n", 2000))
	end := func(off int64) offsets.End {
		return offsets.End{Offset: off, Chain: source.DigestOf(content[:off])}
	}
	for name, known := range map[string][]offsets.End{
		"none":                    nil,
		"marks before it":         {end(64), end(256)},
		"its end":                 {end(64), end(256), end(300)},
		"what was sealed behind":  {end(64), end(256), end(300), end(1024), end(3000)},
		"but not where it stands": {end(64), end(256), end(1024), end(3000)},
	} {
		l, key := offsetstest.Holding(t, func(s *offsets.Source) {
			s.Sealed = source.Point{Offset: 300, Chain: end(300).Chain}
			s.Shipped = 300
			for _, e := range known {
				s.AddEnd(e)
			}
		})
		r := NewEngine(Config{Ledger: l})
		f, release := r.Sources.Families.Use(key.Table, key.Origin, []byte("a1\n"))
		e, err := r.Sources.Candidate(f, 0)
		require.NoError(t, err)
		require.EqualValues(t, 300, e.End, name)
		require.Equal(t, end(300), e.Points[len(e.Points)-1], name)
		require.Equal(t, identity.Proved, e.Match(nil, 300), name)
		require.Equal(t, identity.Undecided, e.Match(nil, 299), name)
		release()
	}
}
