package load

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A batch that this state has in its spool, and not in its ledger, since it was killed between the two,
// is its own: the file is no duplicate.
func TestLoad_AdoptedBatchIsNoDuplicate(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	b.sealUnshipped(t, "f")
	require.NoError(t, os.Remove(filepath.Join(b.root, "state", "ledger.db")))
	r := b.load("f")
	require.Equal(t, int64(1), r.Shipped)
	require.Zero(t, r.Duplicates)
	require.Zero(t, b.load("f").Duplicates)
	b.write("g", []byte(abc))
	require.Equal(t, int64(1), b.load("g").Duplicates)
}
