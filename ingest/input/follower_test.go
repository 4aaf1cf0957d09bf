package input

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/location"
	"logseal/ingest/usage"
)

// followerOf follows a stream of the files below a folder, which is also the sink.
func followerOf(t *testing.T, root string, s Selection) *Follower {
	for i, p := range s.Patterns {
		s.Patterns[i] = filepath.Join(root, p)
	}
	f, err := NewFollower(&s, files.OS(), &location.Location{SinkURL: location.SinkURL{Sink: root}, State: root + "/.state"})
	require.NoError(t, err)
	return f
}

func plant(t *testing.T, root string, paths ...string) {
	for _, p := range paths {
		p = filepath.Join(root, p)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o777))
		require.NoError(t, os.WriteFile(p, []byte("x\n"), 0o666))
	}
}

func pathsOf(found []files.Found) (paths []string) {
	for _, x := range found {
		paths = append(paths, x.Path)
	}
	return paths
}

func resolvedDir(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	return dir
}

func TestFollower_Find_LeavesOutWhatIsOurs(t *testing.T) {
	root := resolvedDir(t)
	plant(t, root, "a.log", "b.tmp", "sub/c.log", ".state/ledger.db", "data/x.parquet",
		"logseal.json", ".tmp/w/1")
	require.NoError(t, os.Symlink(root+"/.state/ledger.db", root+"/link.log"))
	require.NoError(t, os.Symlink(root+"/.state", root+"/folder"))
	require.NoError(t, os.Symlink(root+"/sub/c.log", root+"/current.log"))
	f := followerOf(t, root, Selection{Patterns: []string{"**", "none*", "*.log"},
		Exclude: []string{"*.tmp"}})
	got, unread, err := f.Find(t.Context())
	require.NoError(t, err)
	require.Empty(t, unread)
	require.Equal(t, []string{root + "/a.log", root + "/current.log", root + "/sub/c.log"},
		pathsOf(got))
	require.Equal(t, []string{root, root + "/sub"}, f.Folders())

	for _, path := range []string{"a.log", "link.log", "folder/ledger.db", "data/x.parquet"} {
		path = filepath.Join(root, path)
		require.Equal(t, f.at.Owns(path), f.at.OwnsCached()(path), path)
	}
}

// Where a link leads may be another place at each look.
func TestFollower_Find_AfterASwitch(t *testing.T) {
	root := resolvedDir(t)
	plant(t, root, "sub/a.log", ".state/a.log")
	f := followerOf(t, root, Selection{Patterns: []string{"now/*.log"}})
	for _, to := range []string{"sub", ".state", "sub"} {
		require.NoError(t, os.Symlink(filepath.Join(root, to), root+"/now"))
		got, unread, err := f.Find(t.Context())
		require.NoError(t, err)
		require.Empty(t, unread)
		require.Equal(t, to == "sub", len(got) == 1, to)
		require.NoError(t, os.Remove(root+"/now"))
	}
}

// A link to itself cannot be followed by anybody, so this also holds for root.
func TestFollower_Find_GivesWhatItCan(t *testing.T) {
	root := resolvedDir(t)
	plant(t, root, "a.log")
	require.NoError(t, os.Symlink("closed", root+"/closed"))
	f := followerOf(t, root, Selection{Patterns: []string{"closed/*.log", "*.log"}})
	got, unread, err := f.Find(t.Context())
	require.NoError(t, err)
	require.Len(t, unread, 1)
	require.Equal(t, root+"/closed", unread[0].Path)
	require.Equal(t, []string{root + "/a.log"}, pathsOf(got))
}

func TestFollower_RefusesWhatIsNotThere(t *testing.T) {
	for want, s := range map[string]Selection{
		"stream a: no files":                {Name: "a"},
		"s3://b/k is an object":             {Name: "a", Patterns: []string{"s3://b/k"}},
		"stream a: paths: pattern '/[':":    {Name: "a", Patterns: []string{"/["}},
		"stream a: exclude: pattern '*.[':": {Name: "a", Patterns: []string{"/x"}, Exclude: []string{"*.["}},
	} {
		_, err := NewFollower(&s, files.OS(), &location.Location{})
		require.ErrorContains(t, err, want)
		require.True(t, usage.Is(err))
	}
}
