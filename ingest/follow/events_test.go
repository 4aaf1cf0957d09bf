package follow_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/follow"
)

func newEvents(t *testing.T) *follow.Events {
	t.Helper()
	e, err := follow.NewEvents()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// hinted waits for a hint.
func hinted(t *testing.T, e *follow.Events) {
	t.Helper()
	select {
	case <-e.C():
	case <-time.After(10 * time.Second):
		t.Fatal("no hint")
	}
}

// quiet waits until no more hints come of what was done before.
func quiet(t *testing.T, e *follow.Events) {
	t.Helper()
	for {
		select {
		case <-e.C():
		case <-time.After(300 * time.Millisecond):
			return
		}
	}
}

func TestEvents_Hint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "app.log")
	e := newEvents(t)
	require.NoError(t, e.Watch([]string{dir}))
	for name, change := range map[string]func() error{
		"create":   func() error { return os.WriteFile(path, []byte("line\n"), 0o666) },
		"truncate": func() error { return os.Truncate(path, 0) },
		"rename":   func() error { return os.Rename(path, path+".1") },
		"chmod":    func() error { return os.Chmod(path, 0o600) },
		"remove":   func() error { return os.Remove(path) },
	} {
		require.NoError(t, os.WriteFile(path, []byte("line\n"), 0o666))
		quiet(t, e)
		require.NoError(t, change())
		t.Log(name)
		hinted(t, e)
		require.NoError(t, e.Watch([]string{dir}))
	}
}

func TestEvents_Watch_ReplacesTheSet(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	a, b, none := filepath.Join(base, "a"), filepath.Join(base, "b"), filepath.Join(base, "none")
	require.NoError(t, os.Mkdir(a, 0o777))
	require.NoError(t, os.Mkdir(b, 0o777))
	touch := func(dir string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "x"), []byte("line\n"), 0o666))
	}
	e := newEvents(t)
	require.NoError(t, e.Watch([]string{a}))
	err := e.Watch([]string{none, b, none + "2"})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, none)
	require.ErrorContains(t, err, "and 1 more")
	quiet(t, e)
	touch(a)
	select {
	case <-e.C():
		t.Fatal("it watches what it shall not")
	case <-time.After(50 * time.Millisecond):
	}
	touch(b)
	hinted(t, e)
	// A folder that is made anew is watched again.
	require.NoError(t, os.RemoveAll(b))
	hinted(t, e)
	require.NoError(t, os.Mkdir(b, 0o777))
	quiet(t, e)
	require.NoError(t, e.Watch([]string{b}))
	touch(b)
	hinted(t, e)
}

func TestEvents_TooManyFolders(t *testing.T) {
	base := t.TempDir()
	var dirs []string
	for i := range 1030 {
		dirs = append(dirs, filepath.Join(base, fmt.Sprint(i)))
		require.NoError(t, os.Mkdir(dirs[i], 0o777))
	}
	e := newEvents(t)
	require.ErrorContains(t, e.Watch(dirs), "watch 1030 folders: only 1024 are watched")
	require.NoError(t, e.Watch(dirs[1000:]))
	require.NoError(t, e.Watch(nil))
}

// Whoever does not take hints does not hold up who closes.
func TestEvents_Close_WhenBusy(t *testing.T) {
	dir := t.TempDir()
	e, err := follow.NewEvents()
	require.NoError(t, err)
	require.NoError(t, e.Watch([]string{dir}))
	for i := range 300 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o666))
	}
	require.NoError(t, e.Close())
}
