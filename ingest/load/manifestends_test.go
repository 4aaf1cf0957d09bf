package load

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
)

// A load was killed with its second batch in the spool, its ledger got lost, and meanwhile others
// had committed the source with other cuts. It is filled from their manifests, which do not say
// where the line at their end began: the batch that is cut there once carried line -1, so that no
// run could ship it.
func TestLoad_GoesOnAtAnEndThatOnlyManifestsKnow(t *testing.T) {
	b := newYard(t)
	out, state := filepath.Join(b.root, "out"), filepath.Join(b.root, "state")
	kept := filepath.Join(b.root, "kept")
	b.cfg.Streams[0].MaxBytes = 6
	b.write("f", []byte(abc+"d4\n"))
	b.load("f")
	second, err := filepath.Glob(filepath.Join(out, "data/s/v1/*/*-0000000000000006-000000000000000c-*.parquet"))
	require.NoError(t, err)
	require.Len(t, second, 1)
	manifest, err := filepath.Glob(filepath.Join(out, "manifests/s/v1/*/*/0000000000000006.json"))
	require.NoError(t, err)
	require.Len(t, manifest, 1)
	require.NoError(t, os.Remove(manifest[0]))
	require.NoError(t, os.WriteFile(second[0], []byte("other"), 0o666))
	b.forgetState()
	r, err := b.run(t.Context(), "f")
	require.NoError(t, err)
	require.Equal(t, []commit.Kind{commit.Conflict}, b.kinds(r), "so its second batch stays in the spool")

	require.NoError(t, os.Rename(state, kept))
	require.NoError(t, os.RemoveAll(out))
	b.cfg.Streams[0].MaxBytes = 9
	b.write("earlier", []byte(abc))
	b.load("earlier")
	b.forgetState()
	require.NoError(t, os.Rename(kept, state))
	require.NoError(t, os.Remove(filepath.Join(state, "ledger.db")))

	r = b.load("f")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(1), r.Rows)
}
