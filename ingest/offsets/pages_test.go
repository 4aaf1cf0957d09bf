package offsets

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A key of a branch is in no sum. One that is lower than it was keeps the order of all keys, so what
// stands below is found; but bbolt no longer finds that page in its parent when it changes it.
func TestLedger_Open_OfABranchWithALowerKey(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, bigLedger(t, dir).Close())
	file, err := os.ReadFile(ledgerPath(dir))
	require.NoError(t, err)
	w, err := newPageWalk(bytes.NewReader(file))
	require.NoError(t, err)
	w.seen = make([]bool, w.meta.high)
	require.NoError(t, w.tree(w.meta.root, nil, nil, 0))
	branches := 0
	for id, used := range w.seen {
		at := id * pageSize
		page := file[at : at+pageSize]
		if !used || binary.LittleEndian.Uint16(page[8:]) != flagBranch {
			continue
		}
		elems, err := elements(nil, page, nil, nil)
		require.NoError(t, err)
		for _, e := range elems {
			branches++
			lower := bytes.Clone(file)
			i := at + bytes.Index(page, e.key) + len(e.key) - 1
			require.NotZero(t, lower[i])
			lower[i]--
			require.NoError(t, os.WriteFile(ledgerPath(dir), lower, 0o644))
			var bad *DamagedError
			_, err := Open(dir, Meta{Sink: "sink"})
			require.ErrorAs(t, err, &bad, "%q", e.key)
		}
	}
	require.NotZero(t, branches)
}
