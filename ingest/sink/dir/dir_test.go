package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
)

func TestStore(t *testing.T) {
	sinktest.Run(t, func(t testing.TB) sink.Store { return open1(t, t.TempDir(), "w1") })
}

func open1(t testing.TB, root, writer string) *Store {
	t.Helper()
	s, err := New(root, writer, DefaultMode)
	require.NoError(t, err)
	t.Cleanup(func() {
		entries, err := os.ReadDir(s.tmp())
		require.NoError(t, err)
		require.Empty(t, entries, "temporary files left behind")
	})
	return s
}

// tree gives every file below root with its content.
func tree(t testing.TB, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root+"/")] = string(b)
		return err
	}))
	return files
}

func TestNew_ClearsOnlyItsOwnLeftovers(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{".tmp/w1/1", ".tmp/w2/1", ".tmp/other", "data/x/y.parquet",
		".state/ledger.db", "notes.txt"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(path), 0o644))
	}
	open1(t, root, "w1")
	require.Equal(t, map[string]string{".tmp/w2/1": ".tmp/w2/1", ".tmp/other": ".tmp/other",
		"data/x/y.parquet": "data/x/y.parquet", ".state/ledger.db": ".state/ledger.db",
		"notes.txt": "notes.txt"}, tree(t, root))
}

func TestNew_MakesTheRootAndWhatIsAbove(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a", "b", "c")
	s := open1(t, root, "w1")
	require.NoError(t, s.Put(t.Context(), sinktest.Object("logseal.json", []byte("{}"))))
	require.Equal(t, map[string]string{"logseal.json": "{}"}, tree(t, root))
}

func TestNew_RefusesOddWriterIDs(t *testing.T) {
	for _, id := range []string{"", ".", "..", "a/b", "../w", "a b"} {
		_, err := New(t.TempDir(), id, DefaultMode)
		require.ErrorContains(t, err, "writer id", id)
	}
}

func TestNew_RefusesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	_, err := New(path, "w1", DefaultMode)
	require.Error(t, err)
	_, err = NewReader(path)
	require.ErrorContains(t, err, "not a folder")
}

func TestName_IsAbsoluteWithLinksResolved(t *testing.T) {
	base := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(base, "real"), 0o755))
	require.NoError(t, os.Symlink("real", filepath.Join(base, "link")))
	t.Chdir(base)
	want, err := filepath.EvalSymlinks(filepath.Join(base, "real"))
	require.NoError(t, err)
	for root, want := range map[string]string{"link": want, "./real/": want,
		"link/sub/out": want + "/sub/out", "real/../link/x": want + "/x"} {
		got, err := Name(root)
		require.NoError(t, err)
		require.Equal(t, want, got, root)
		require.Equal(t, want, open1(t, root, "w1").Name(), root)
		got, err = Name(root)
		require.NoError(t, err)
		require.Equal(t, want, got, "the name must not change when the folder is made")
	}
}

func TestNewReader_CreatesNothing(t *testing.T) {
	root := t.TempDir()
	_, err := NewReader(filepath.Join(root, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	s, err := NewReader(root)
	require.NoError(t, err)
	err = s.Put(t.Context(), sinktest.Object("logseal.json", []byte("{}")))
	require.ErrorContains(t, err, "for reading")
	for _, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
	}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestStore_TwoWritersOfOneFolder_OneWins(t *testing.T) {
	root := t.TempDir()
	stores := []*Store{open1(t, root, "w1"), open1(t, root, "w2")}
	for n := range 50 {
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, s := range stores {
			wg.Go(func() {
				errs[i] = s.Put(t.Context(), sinktest.Object(sinktest.Key(n), fmt.Append(nil, i)))
			})
		}
		wg.Wait()
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "want one winner, have %v", errs)
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		require.ErrorAs(t, errs[1-winner], new(*sink.ConflictError))
		b, err := os.ReadFile(filepath.Join(root, sinktest.Key(n)))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(winner), string(b))
	}
}

func TestStore_List_ShowsWhatOthersPutThere(t *testing.T) {
	root := t.TempDir()
	s := open1(t, root, "w1")
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("four"), 0o644))
	for _, path := range []string{"data/a b.parquet", "data/.hidden", "other/x", "data.txt",
		".tmp/w2/1", ".state/ledger.db"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte("x"), 0o644))
	}
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "data/link")))
	require.NoError(t, os.Symlink("a b.parquet", filepath.Join(root, "data/near")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(root, "data/dangling")))
	require.NoError(t, os.Symlink("..", filepath.Join(root, "data/loop")))
	var got []string
	for info, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		got = append(got, fmt.Sprint(info.Key, " ", info.Size))
	}
	require.Equal(t, []string{"data/.hidden 1", "data/a b.parquet 1",
		fmt.Sprint("data/link ", len(outside)), "data/loop 2", "data/near 1"}, got, "a link that leads out is itself")
}

func TestStore_Put_MakesFoldersAgainThatWereRemoved(t *testing.T) {
	root := t.TempDir()
	s := open1(t, root, "w1")
	require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("one"))))
	require.NoError(t, os.RemoveAll(filepath.Join(root, "data")))
	require.NoError(t, os.RemoveAll(filepath.Join(root, ".tmp")))
	require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("one"))))
	require.Equal(t, map[string]string{sinktest.Key(1): "one"}, tree(t, root))
}

// A failed fsync of a name is final, also when the next one would report success.
func TestStore_Put_AfterAFailedFsync_NeverSucceeds(t *testing.T) {
	root := t.TempDir()
	for n := 0; ; n++ {
		s := open1(t, root, "w1")
		left := n
		s.fsync = func(f *os.File) error {
			if left--; left == -1 {
				return errors.New("input/output error")
			}
			return f.Sync()
		}
		key := fmt.Sprintf("data/app%d/v1/dt=2024-01-15/x.parquet", n)
		err := s.Put(t.Context(), sinktest.Object(key, []byte("bytes")))
		if left >= 0 {
			require.NoError(t, err)
			require.Equal(t, 6, n, "the file, the names of data, app, v1 and dt, the object's name")
			return
		}
		require.ErrorContains(t, err, "input/output error")
		err = s.Put(t.Context(), sinktest.Object(key, []byte("bytes")))
		if n == 0 { // the temporary file: the next put writes another one
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "input/output error")
		}
		require.NoError(t, os.RemoveAll(filepath.Join(root, "data")))
	}
}

// Whoever waits for room on a full disk must not wait for a broken store: it never succeeds.
func TestStore_Put_AfterAFsyncOnAFullDisk_IsNotAFullDisk(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		root := t.TempDir()
		s := open1(t, root, "w1")
		failed := ""
		s.fsync = func(f *os.File) error {
			if st, err := f.Stat(); err == nil && st.IsDir() && failed == "" {
				failed = f.Name()
				return &fs.PathError{Op: "sync", Path: f.Name(), Err: cause}
			}
			return f.Sync()
		}
		o := sinktest.Object(sinktest.Key(1), []byte("one"))
		for range 2 {
			err := s.Put(t.Context(), o)
			var unusable *UnusableError
			require.ErrorAs(t, err, &unusable)
			require.Equal(t, failed, unusable.Path)
			require.ErrorContains(t, err, cause.Error())
			require.NotErrorIs(t, err, cause)
			require.ErrorIs(t, err, sink.ErrUnusable)
		}
		require.NoError(t, open1(t, root, "w1").Put(t.Context(), o), "opened again")
	}
}

func TestStore_Put_CancelledWhileWriting_LeavesNothing(t *testing.T) {
	root := t.TempDir()
	s := open1(t, root, "w1")
	ctx, cancel := context.WithCancel(t.Context())
	o := sinktest.Object(sinktest.Key(1), []byte("bytes"))
	inner := o.Open
	o.Open = func() (io.ReadCloser, error) { cancel(); return inner() }
	require.ErrorIs(t, s.Put(ctx, o), context.Canceled)
	require.Empty(t, tree(t, root))
}

func TestStore_Delete_LeavesFoldersAlone(t *testing.T) {
	root := t.TempDir()
	s := open1(t, root, "w1")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "data/app"), 0o755))
	require.Error(t, s.Delete(t.Context(), "data/app"))
	require.DirExists(t, filepath.Join(root, "data/app"))
}
