package load

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"

	"github.com/stretchr/testify/require"
)

// giveSpool copies what another yard has in its spool.
func (b *yard) giveSpool(t *testing.T, from *yard) {
	for _, batch := range from.inSpool() {
		require.NoError(t, os.CopyFS(filepath.Join(b.root, "state", "spool", batch),
			os.DirFS(filepath.Join(from.root, "state", "spool", batch))))
	}
}

// A batch was sealed under an ordinal that another log has won. Its own log is there, and is loaded under
// another: it need not be held any more.
func TestHeld_ReleasedWhenAnotherSourceHasIt(t *testing.T) {
	b, before := newYard(t), newYard(t)
	before.write("m", filestest.SameHead("m", 200))
	before.sealUnshipped(t, "m")
	b.write("l", filestest.SameHead("l", 200))
	b.load("l")
	b.giveSpool(t, before)
	b.write("o", []byte("o1\n"))
	require.Equal(t, []commit.Kind{commit.Gone}, b.kinds(b.load("o")))
	require.Equal(t, []string{"held"}, b.inSpool())
	b.write("m", filestest.SameHead("m", 200))
	r := b.load("m")
	require.EqualValues(t, 201, r.Rows)
	require.Empty(t, r.Problems)
	require.Empty(t, b.inSpool())
}

// The file of a batch that waits cannot be opened: others are loaded nevertheless.
func TestHeld_UnreadableFileStopsNobody(t *testing.T) {
	b, before := newYard(t), newYard(t)
	m := filestest.SameHead("m", 200)
	before.cfg.Streams[0].MaxBytes = 1000
	before.write("m", m)
	before.sealUnshipped(t, "m")
	b.cfg.Streams[0].MaxBytes = 130
	b.write("m", m)
	b.load("m")
	b.giveSpool(t, before)
	b.write("o", []byte("o1\n"))
	require.NoError(t, os.Remove(b.path("m")))
	require.NoError(t, os.Symlink("m", b.path("m")))
	r, err := b.run(context.Background(), "o")
	require.NoError(t, err)
	require.EqualValues(t, 1, r.Rows)
	require.NotEmpty(t, r.Problems)
}
