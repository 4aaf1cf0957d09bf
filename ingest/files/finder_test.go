package files_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

// paths gives what f finds, when all could be read.
func paths(t tester, f *files.Finder) []string {
	t.Helper()
	found, unread, err := f.Find(context.Background())
	require.NoError(t, err)
	require.Empty(t, unread)
	var out []string
	for _, x := range found {
		st, err := files.OS().Stat(x.Path)
		require.NoError(t, err)
		require.Equal(t, st, x.Stat, x.Path)
		out = append(out, x.Path)
	}
	return out
}

// It finds what Find finds, however often it looks and whatever happened in between.
func TestFinder_FindsWhatFindDoes(t *testing.T) {
	t.Chdir(t.TempDir())
	patterns := []string{"*.log", "a/*", "**/x*", "./a/b/../b/{y,z}.log", "b/**/", "a/b/x.log"}
	names := []string{"x.log", "a/x.log", "a/y.log", "a/b/x.log", "a/b/y.log", "b/c/d/x", "b/z.log"}
	dirs := []string{".", "a", "a/b", "b", "b/c", "b/c/d"}
	age := func(t *rapid.T) { // as if nothing had happened for long
		if !rapid.Bool().Draw(t, "age") {
			return
		}
		old := time.Now().Add(-time.Hour)
		for _, dir := range dirs {
			_ = os.Chtimes(dir, old, old)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		entries, err := os.ReadDir(".")
		require.NoError(t, err)
		for _, e := range entries {
			require.NoError(t, os.RemoveAll(e.Name()))
		}
		exclude := func(path string) bool { return strings.HasSuffix(path, "z.log") }
		f := files.NewFinder(files.OS(), patterns, exclude)
		name := rapid.SampledFrom(names)
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				want, err := files.Find(files.OS(), patterns, exclude)
				if !errors.As(err, new(*files.NoMatchError)) {
					require.NoError(t, err)
				}
				require.Equal(t, len(want), len(paths(t, f)))
				require.Subset(t, paths(t, f), want)
			},
			"make": func(t *rapid.T) {
				path := name.Draw(t, "path")
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
				require.NoError(t, os.WriteFile(path, []byte(path), 0o666))
				age(t)
			},
			"remove": func(t *rapid.T) {
				_ = os.Remove(name.Draw(t, "path"))
				age(t)
			},
			"rename": func(t *rapid.T) {
				_ = os.Rename(name.Draw(t, "from"), name.Draw(t, "to"))
				age(t)
			},
			"remove folder": func(t *rapid.T) {
				_ = os.RemoveAll(rapid.SampledFrom(dirs[1:]).Draw(t, "dir"))
				age(t)
			},
			"link folder": func(t *rapid.T) {
				_ = os.Symlink("../b", rapid.SampledFrom(dirs).Draw(t, "dir")+"/link")
				age(t)
			},
		})
	})
}

func TestFinder_OneFaultDoesNotEndTheLook(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root reads every folder: only what else may fail is tried")
	}
	makeTree(t, "a/x.log", "b/x.log", "c/x.log")
	require.NoError(t, os.Symlink("self", "a/self"))
	require.NoError(t, os.Symlink("nowhere", "a/gone"))
	require.NoError(t, unix.Mkfifo("a/fifo", 0o666))
	want := map[string]error{"a/self": unix.ELOOP}
	if os.Geteuid() != 0 {
		require.NoError(t, os.Chmod("b", 0))
		t.Cleanup(func() { os.Chmod("b", 0o777) })
		want["b"] = fs.ErrPermission
	}
	_, unread, err := files.NewFinder(files.OS(), []string{"a/self/*"}, nil).Find(context.Background())
	require.NoError(t, err)
	require.Len(t, unread, 1)
	require.Equal(t, "a/self", unread[0].Path, "a folder that cannot be read")
	for _, pattern := range []string{"**", "*/*", "{a,b,c}/**"} {
		found, unread, err := files.NewFinder(files.OS(), []string{pattern}, nil).Find(context.Background())
		require.NoError(t, err)
		require.Len(t, found, 4-len(want), pattern)
		require.Equal(t, "a/x.log", found[0].Path)
		require.Len(t, unread, len(want), pattern)
		for _, u := range unread {
			require.ErrorIs(t, u.Err, want[u.Path])
		}
	}
}

func TestFinder_Faults(t *testing.T) {
	fsys := filestest.New()
	fsys.Write("logs/a.log", nil)
	fsys.Write("logs/b.log", nil)
	bad := errors.New("bad disk")
	f := files.NewFinder(fsys, []string{"logs/*.log", "logs/none/**"}, nil)
	for failing, want := range map[string]struct {
		op    filestest.Op
		found int
		path  string
	}{
		"logs/*.log": {filestest.OpGlob, 0, "logs"},
		"logs/b.log": {filestest.OpStat, 1, "logs/b.log"},
		"":           {filestest.OpStat, 2, ""},
	} {
		fsys.SetFault(func(op filestest.Op, path string, _ int64) error {
			if op == want.op && path == failing {
				return bad
			}
			return nil
		})
		found, unread, err := f.Find(context.Background())
		require.NoError(t, err)
		require.Len(t, found, want.found)
		if want.path == "" {
			require.Empty(t, unread)
			continue
		}
		require.Equal(t, []files.Unread{{Path: want.path, Err: bad}}, unread)
		require.True(t, unread[0].Covers("logs/b.log"))
		require.False(t, unread[0].Covers("logs2/b.log"))
	}
	fsys.SetFault(nil)
	require.Equal(t, []string{"logs"}, f.Dirs())
	for _, pattern := range []string{"", "a["} {
		_, _, err := files.NewFinder(fsys, []string{pattern}, nil).Find(context.Background())
		require.Error(t, err, pattern)
		_, _, err = files.NewFinder(files.OS(), []string{pattern}, nil).Find(context.Background())
		require.Error(t, err, pattern)
	}
}

func TestUnread_Covers(t *testing.T) {
	for _, c := range []struct {
		path, file string
		want       bool
	}{
		{"a", "a", true}, {"a", "a/b", true}, {"a", "ab", false}, {"a/b", "a", false},
		{"/", "/a", true}, {".", "a", true}, {".", "/a", false}, {"/a", "/a/b/c", true},
	} {
		require.Equal(t, c.want, files.Unread{Path: c.path}.Covers(c.file), c)
	}
}

func TestFinder_Dirs(t *testing.T) {
	makeTree(t, "a/b/x.log", "a/c/d/y.log", "e/f/z.log")
	for pattern, want := range map[string][]string{
		"a/b/*.log":    {"a/b"},
		"a/b/x.log":    {"a/b"},
		"a/b/none.log": {"a/b"},
		"a/*/*.log":    {"a", "a/b", "a/c"},
		"a/**":         {"a", "a/b", "a/c", "a/c/d"},
		"g/h/*.log":    {"."},
		"e/g/**/*":     {"e"},
		"e/{f,g}/*":    {"e", "e/f"},
	} {
		f := files.NewFinder(files.OS(), []string{pattern}, nil)
		_, _, err := f.Find(context.Background())
		require.NoError(t, err)
		require.Equal(t, want, f.Dirs(), pattern)
	}
}

// A folder that cannot be read is told of in each look, also while all others are as they were: else
// the files in it would be taken for gone.
func TestFinder_TellsAgainWhatCannotBeRead(t *testing.T) {
	for i := range 20 { // in whichever order folders are looked at
		dir := t.TempDir()
		sub, log := filepath.Join(dir, "sub"), filepath.Join(dir, "other", "a.log")
		long := time.Now().Add(-time.Hour).Add(time.Duration(i) * time.Second)
		rest := func(paths ...string) { // so that their listings are believed
			for _, path := range paths {
				require.NoError(t, os.Chtimes(path, long, long))
			}
		}
		require.NoError(t, os.MkdirAll(sub, 0o777))
		require.NoError(t, os.MkdirAll(filepath.Dir(log), 0o777))
		require.NoError(t, os.WriteFile(log, nil, 0o666))
		rest(dir, sub, filepath.Dir(log))
		f := files.NewFinder(files.OS(), []string{filepath.Join(dir, "*", "*.log")}, nil)
		for range 2 {
			_, unread, err := f.Find(context.Background())
			require.NoError(t, err)
			require.Empty(t, unread)
		}
		require.NoError(t, os.Remove(sub))
		require.NoError(t, os.Symlink(sub, sub)) // a loop
		rest(dir)
		for range 3 {
			found, unread, err := f.Find(context.Background())
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Len(t, unread, 1)
			require.Equal(t, sub, unread[0].Path)
		}
	}
}

// A look of one heap goes through more than a look that is made again and again.
func TestFinder_OfHeap_GoesThroughMore(t *testing.T) {
	dir := t.TempDir()
	for i := range 12 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, strings.Repeat("a", i+1)), nil, 0o600))
	}
	f := files.NewFinder(files.OS(), []string{dir + "/*"}, nil)
	f.SetMost(5)
	_, unread, err := f.Find(t.Context())
	require.NoError(t, err)
	require.Len(t, unread, 1)
	require.ErrorContains(t, unread[0].Err, "narrow the pattern")
	found, unread, err := f.OfHeap().Find(t.Context())
	require.NoError(t, err)
	require.Empty(t, unread)
	require.Len(t, found, 12)
}

// A pattern whose first name is one is looked for from the root on.
func TestFinder_FromTheRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	first, rest, _ := strings.Cut(path[1:], "/")
	pattern := "/" + first[:1] + "*" + first[1:] + "/" + rest
	found, unread, err := files.NewFinder(files.OS(), []string{pattern}, nil).Find(t.Context())
	require.NoError(t, err)
	require.Empty(t, unread)
	require.Len(t, found, 1)
	require.Equal(t, path, found[0].Path)
	paths, err := files.Find(files.OS(), []string{pattern}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{path}, paths)
}
