package load

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
)

// The first batch of a log ends far behind a shorter one that begins alike: its marks tell the two
// apart, from the sink alone. Where it differs only behind its last mark, that cannot be known.
func TestLoad_MarksOfTheSinkRefuteAShorterFile(t *testing.T) {
	b := newYard(t)
	b.write("long", []byte("h1\n"+strings.Repeat("a2\n", 1000)))
	b.load("long")
	b.forgetState()
	b.write("short", []byte("h1\n"+strings.Repeat("b2\n", 30)))
	r := b.load("short")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(31), r.Rows)

	b.forgetState()
	b.write("alike", []byte("h1\n"+strings.Repeat("a2\n", 21)+"b2\nb2\n"))
	require.Equal(t, []commit.Kind{commit.Undecided}, b.kinds(b.load("alike")))
}
