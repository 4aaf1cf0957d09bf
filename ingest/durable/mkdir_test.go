package durable_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/durable"
)

func TestMakeDir_MakesTheParentsFirst(t *testing.T) {
	r := newRecorder(t)
	dir := filepath.Join(r.root, "a", "b")
	require.NoError(t, durable.MakeDir(r, dir))
	require.DirExists(t, dir)
	made := "mkdir a, open ., fsync ., close ., mkdir a/b, open a, fsync a, close a"
	r.requireCalls(t, made)
	require.NoError(t, durable.MakeDir(r, dir))
	r.requireCalls(t, made) // a folder that exists is left alone
}

func TestMakeDir_SaysWhatFailed(t *testing.T) {
	for _, fails := range []string{"mkdir a", "open .", "fsync .", "mkdir a/b", "open a", "fsync a"} {
		r := newRecorder(t)
		r.fails = fails
		err := durable.MakeDir(r, filepath.Join(r.root, "a", "b"))
		require.ErrorIs(t, err, errDisk, fails)
		last := r.calls[len(r.calls)-1]
		var failed *durable.SyncError
		if folder, ok := strings.CutPrefix(fails, "fsync "); ok {
			require.ErrorAs(t, err, &failed)
			require.Equal(t, filepath.Join(r.root, folder), failed.Path)
			require.Equal(t, "close "+folder, last, "nothing follows")
		} else {
			require.NotErrorAs(t, err, &failed)
			require.Equal(t, fails, last, "nothing follows")
		}
	}
}

// Another process may make the folder meanwhile.
func TestMakeDir_AnotherMadeIt(t *testing.T) {
	r := newRecorder(t)
	require.NoError(t, durable.MakeDir(late{r}, filepath.Join(r.root, "a")))
	r.requireCalls(t, "mkdir a, open ., fsync ., close .")
}

// late makes every folder that was made already.
type late struct{ *recorder }

func (l late) Mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return l.recorder.Mkdir(path)
}

func TestMakeDir_AFileInItsPlace(t *testing.T) {
	r := newRecorder(t)
	path := filepath.Join(r.root, "a")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	err := durable.MakeDir(r, path)
	require.ErrorAs(t, err, new(*fs.PathError))
	require.ErrorContains(t, err, "there is a file of that name")
	require.Error(t, durable.MakeDir(r, filepath.Join(path, "b")))
	require.Empty(t, r.calls)
}
