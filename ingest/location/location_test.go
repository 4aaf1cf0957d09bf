package location

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/sink/dir"
	"logseal/ingest/usage"
)

// testLocation is the sink lake and the state beside it, in a folder that is resolved.
func testLocation(t *testing.T) (*Location, string) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	at, err := New(root+"/lake", root+"/state", dir.DefaultMode, false)
	require.NoError(t, err)
	return at, root
}

func TestNew_RefusesPlacesInEachOthersWay(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(root+"/file", nil, 0o600))
	for _, c := range []struct{ sink, state, want string }{
		{root + "/lake", root + "/lake", "state and sink are both"},
		{root + "/lake", root + "/lake/data/state", "lies in the sink's own folder data"},
		{root + "/file", root + "/state", "is a file; want a folder"},
		{root + "/lake", root + "/file", "is a file; want a folder"},
		{root + "/lake", "s3://lake/state", "is no folder"},
		{"s3:/lake", root + "/state", "did you mean s3://lake"},
		{"ftp://lake", root + "/state", "unknown scheme"},
	} {
		_, err := New(c.sink, c.state, dir.DefaultMode, false)
		require.ErrorContains(t, err, c.want)
		require.True(t, usage.Is(err))
	}
	at, err := New(root+"/lake", "", dir.DefaultMode, false)
	require.NoError(t, err)
	require.Equal(t, root+"/lake/.state", at.State)
	require.Empty(t, at.SinkName(), "the state moves with the sink")
}

func TestLocation_Owns(t *testing.T) {
	at, root := testLocation(t)
	require.NoError(t, os.MkdirAll(root+"/lake/data", 0o700))
	require.NoError(t, os.Symlink(root+"/lake/data", root+"/link"))
	require.Equal(t, root+"/lake", at.SinkName())
	cached := at.OwnsCached()
	for path, want := range map[string]bool{
		"/state/ledger.db": true, "/lake/data/x.parquet": true, "/lake/logseal.json": true,
		"/lake/.tmp/x": true, "/lake/.state/x": true, "/link/x": true,
		"/lake/app.log": false, "/lake/logs/data/x": false, "/lake/database": false, "/statement": false,
	} {
		if path == "/link/x" {
			require.NoError(t, os.WriteFile(root+path, nil, 0o600))
		}
		require.Equal(t, want, at.Owns(root+path), path)
		require.Equal(t, want, cached(root+path), path)
	}
}

// Prepare closes a folder that holds nothing but a state, and no other.
func TestLocation_Prepare(t *testing.T) {
	at, _ := testLocation(t)
	log := slog.New(slog.DiscardHandler)
	require.NoError(t, at.Prepare(log, true))
	require.NoDirExists(t, at.State, "nothing is made")
	mode := func() os.FileMode {
		st, err := os.Stat(at.State)
		require.NoError(t, err)
		return st.Mode().Perm()
	}
	require.NoError(t, os.MkdirAll(at.State, 0o700))
	require.NoError(t, os.Chmod(at.State, 0o755))
	require.NoError(t, os.WriteFile(at.State+"/mine.txt", nil, 0o600))
	require.NoError(t, at.Prepare(log, true))
	require.Equal(t, os.FileMode(0o755), mode())
	require.NoError(t, os.Remove(at.State+"/mine.txt"))
	require.NoError(t, os.WriteFile(filepath.Join(at.State, SocketName), nil, 0o600))
	require.NoError(t, at.Prepare(log, true))
	require.Equal(t, os.FileMode(0o700), mode())
}

func TestSinkOf_FindsTheSinkThatTheStateLiesIn(t *testing.T) {
	at, root := testLocation(t)
	require.Equal(t, "/named", SinkOf(offsets.Meta{Sink: "/named"}, at.State))
	require.Equal(t, root, SinkOf(offsets.Meta{}, at.State), "none is there: the folder above")
	require.NoError(t, os.MkdirAll(root+"/lake/.state/deep", 0o700))
	require.NoError(t, os.WriteFile(root+"/lake/logseal.json", nil, 0o600))
	require.Equal(t, root+"/lake", SinkOf(offsets.Meta{}, root+"/lake/.state/deep"))
}
