package dir

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
)

// victim is a folder that somebody would have us empty, or write to.
func victim(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "precious"), []byte("precious"), 0o600))
	return dir
}

func requireUntouched(t *testing.T, dir string) {
	t.Helper()
	require.Equal(t, map[string]string{"precious": "precious"}, tree(t, dir))
}

// A link where our temporary folder is would have us delete what it points to.
func TestNew_EmptiesNoFolderByALink(t *testing.T) {
	outside := victim(t)
	for _, name := range []string{".tmp/w1", ".tmp"} {
		root := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.Symlink(outside, filepath.Join(root, name)))
		_, err := New(root, "w1", DefaultMode)
		require.ErrorContains(t, err, "is no folder")
		requireUntouched(t, outside)
	}
	root := t.TempDir() // the sink's own objects
	s := open1(t, root, "w2")
	require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("one"))))
	require.NoError(t, os.Symlink("../data", filepath.Join(root, ".tmp/w1")))
	_, err := New(root, "w1", DefaultMode)
	require.ErrorContains(t, err, "is no folder")
	require.Equal(t, map[string]string{sinktest.Key(1): "one",
		".tmp/w1": "../data"}, withLinks(t, root))
}

// withLinks is tree with links as what they say.
func withLinks(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		name := strings.TrimPrefix(path, root+"/")
		if e.Type()&fs.ModeSymlink != 0 {
			files[name], err = os.Readlink(path)
			require.NoError(t, err)
		} else if !e.IsDir() {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			files[name] = string(b)
		}
		return nil
	}))
	return files
}

// No link within the folders of the sink leads out of them.
func TestStore_LeavesItsFoldersByNoLink(t *testing.T) {
	outside := victim(t)
	root := t.TempDir()
	s := open1(t, root, "w1")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "data/app"), 0o755))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "data/app/v1")))
	for _, key := range []string{"data/app/v1/precious", "data/app/v1/new"} {
		require.Error(t, s.Put(t.Context(), sinktest.Object(key, []byte("bytes"))), key)
		_, _, err := s.Get(t.Context(), key)
		require.Error(t, err, key)
		require.Error(t, s.Delete(t.Context(), key), key)
	}
	requireUntouched(t, outside)
	require.NoError(t, os.Symlink(outside+"/precious", filepath.Join(root, "logseal.json")))
	_, _, err := s.Get(t.Context(), "logseal.json")
	require.Error(t, err)
}

// A folder of the sink may be a link of ours, to where there is more room.
func TestStore_FolderMayBeALink(t *testing.T) {
	root := t.TempDir()
	other := filepath.Join(root, "other")
	require.NoError(t, os.Mkdir(other, 0o755))
	require.NoError(t, os.Symlink(other, filepath.Join(root, "data")))
	s := open1(t, root, "w1")
	o := sinktest.Object(sinktest.Key(1), []byte("one"))
	require.NoError(t, s.Put(t.Context(), o))
	require.NoError(t, s.Put(t.Context(), o), "again")
	info, err := s.Stat(t.Context(), o.Key)
	require.NoError(t, err)
	require.EqualValues(t, 3, info.Size)
	for info, err := range s.List(t.Context(), "data/") {
		require.NoError(t, err)
		require.Equal(t, o.Key, info.Key)
	}
	require.NoError(t, s.Delete(t.Context(), o.Key))
	require.Empty(t, tree(t, other))
}

// Where a folder of the sink is a file there are no objects, and none can be put.
func TestStore_AFileInPlaceOfAFolder(t *testing.T) {
	root := t.TempDir()
	s := open1(t, root, "w1")
	require.NoError(t, os.WriteFile(filepath.Join(root, "data"), nil, 0o600))
	_, err := s.Stat(t.Context(), sinktest.Key(1))
	require.ErrorIs(t, err, sink.ErrNotFound)
	_, _, err = s.Get(t.Context(), sinktest.Key(1))
	require.ErrorIs(t, err, sink.ErrNotFound)
	require.NoError(t, s.Delete(t.Context(), sinktest.Key(1)))
	for _, prefix := range []string{"", "data/", "data/app/"} {
		for _, err := range s.List(t.Context(), prefix) {
			require.NoError(t, err, prefix)
		}
	}
	require.Error(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("one"))))
}

// Who may read a log is not everyone; who may read the sink neither.
func TestStore_Modes(t *testing.T) {
	for mode, folder := range map[fs.FileMode]fs.FileMode{DefaultMode: 0o750, 0o600: 0o700, 0o644: 0o755} {
		root := filepath.Join(t.TempDir(), "lake")
		s, err := New(root, "w1", mode)
		require.NoError(t, err)
		require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("one"))))
		require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			require.NoError(t, err)
			info, err := e.Info()
			require.NoError(t, err)
			switch {
			case path == s.tmp():
				require.Equal(t, fs.FileMode(tmpMode), info.Mode().Perm(), path)
			case e.IsDir():
				require.Equal(t, folder, info.Mode().Perm(), path)
			default:
				require.Equal(t, mode, info.Mode().Perm(), path)
			}
			return nil
		}))
	}
}
