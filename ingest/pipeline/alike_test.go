package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Logs that begin with the same line, as a program's greeting, are told apart whatever their names
// and lengths: none is taken for the beginning of a longer one.
func TestLoad_FilesThatBeginAlikeAreAllRead(t *testing.T) {
	for _, maxBytes := range []int64{64 << 20, 6} {
		b := newYard(t)
		b.cfg.Streams[0].MaxBytes = maxBytes
		names := []string{"a", "b", "c", "d"}
		for i, lines := range []int{40, 2, 20, 2} {
			b.write(names[i], []byte("h1\n"+strings.Repeat(names[i]+"2\n", lines)))
		}
		r := b.load(names...)
		require.Empty(t, r.Problems)
		require.Equal(t, int64(4+40+2+20+2), r.Rows)

		b.forgetState()
		r = b.load(names...)
		require.Empty(t, r.Problems)
		require.Zero(t, r.Rows)
		require.Equal(t, int64(4), r.Duplicates)
	}
}
