package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/table"
)

// So does a load, also of a file that has nothing more.
func TestLoad_TakesALossBack(t *testing.T) {
	b := newYard(t)
	b.cfg.Streams[0].MaxBytes = 4
	b.write("a", []byte("a1\na2\na3\n"))
	b.load("a")
	manifests, err := filepath.Glob(filepath.Join(b.root, "out", "manifests/s/v1/-/*/*.json"))
	require.NoError(t, err)
	require.Len(t, manifests, 3)
	body, err := os.ReadFile(manifests[1])
	require.NoError(t, err)
	m, err := table.ParseManifest(body)
	require.NoError(t, err)
	loss := table.Loss{Format: table.Format, Stream: m.Stream, Version: m.Version, Origin: m.Origin,
		SID: m.SID, K: m.K, Kind: table.Lost, Start: m.Start, End: &m.End, Reason: table.Deleted,
		ChainIn: m.ChainIn, ChainOut: &m.ChainOut, ChainState: &m.ChainState, Marks: m.Marks}
	want := b.tree()
	require.NoError(t, os.Remove(filepath.Join(b.root, "out", m.Objects[0].Key)))
	require.NoError(t, os.Chmod(manifests[1], 0o666))
	require.NoError(t, os.WriteFile(manifests[1], loss.JSON(), 0o666))
	b.forgetState()

	b.load("a")
	have := b.tree()
	found := "/manifests/s/v1/-/" + m.SID.String() + "/" + filepath.Base(manifests[1])
	require.Equal(t, want[found], have[strings.TrimSuffix(found, ".json")+"-found.json"])
	require.Contains(t, have, "/"+m.Objects[0].Key)
	require.Len(t, have, len(want)+1)
	b.load("a")
	require.Equal(t, have, b.tree())
}
