package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

// makeTree makes files in a new folder and goes there.
func makeTree(t *testing.T, paths ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, p := range paths {
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o777))
		require.NoError(t, os.WriteFile(p, []byte(p), 0o666))
	}
}

func TestFind_Patterns(t *testing.T) {
	makeTree(t, "a.log", "b.log", ".hidden.log", "sub/a.log", "sub/deep/c.log.gz", "sub/.dot/d.log",
		"x[1].log", "x1.log", "back\\slash.log", "na\xefve/e.log")
	require.NoError(t, os.Mkdir("sub/f.log", 0o777))
	require.NoError(t, unix.Mkfifo("fifo.log", 0o666))
	inSub := []string{"sub/.dot/d.log", "sub/a.log", "sub/deep/c.log.gz"}
	for name, c := range map[string]struct{ patterns, want []string }{
		"a path": {[]string{"a.log"}, []string{"a.log"}},
		"cleaned, sorted, unique": {
			[]string{"./b.log", "sub/../a.log", "a.log", "b.*"}, []string{"a.log", "b.log"}},
		"star takes dot files": {[]string{"*h*.log"}, []string{".hidden.log", "back\\slash.log"}},
		"no folders, no FIFOs": {
			[]string{"{sub/f,fifo,a}.log", "sub/*.log"}, []string{"a.log", "sub/a.log"}},
		"double star at the end":    {[]string{"sub/**"}, inSub},
		"double star in the middle": {[]string{"**/a.log"}, []string{"a.log", "sub/a.log"}},
		"double star with a slash":  {[]string{"sub/**/"}, inSub},
		"a name that is a pattern":  {[]string{"x[1].log"}, []string{"x[1].log"}},
		"a class":                   {[]string{"x[12].log"}, []string{"x1.log"}},
		"escaped":                   {[]string{`x\[1].log`}, []string{"x[1].log"}},
		"a backslash in a name":     {[]string{`back\slash.log`}, []string{`back\slash.log`}},
		"a folder's name not UTF-8": {[]string{"n*/*.log"}, []string{"na\xefve/e.log"}},
		"alternatives": {
			[]string{"{a,sub/a,b}.log"}, []string{"a.log", "b.log", "sub/a.log"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := files.Find(files.OS(), c.patterns, nil)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	abs, err := filepath.Abs("sub")
	require.NoError(t, err)
	got, err := files.Find(files.OS(), []string{abs + "/**/c*"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{abs + "/deep/c.log.gz"}, got)
}

func TestFind_Errors(t *testing.T) {
	makeTree(t, "a.log", "sub/b.log")
	require.NoError(t, unix.Mkfifo("fifo", 0o666))
	for pattern, want := range map[string]string{
		"":            "empty pattern",
		"nope.log":    "no file matches 'nope.log'",
		"none/a.log":  "no file matches 'none/a.log'",
		"sub":         "sub is a folder: write 'sub/**' for the files in it",
		"sub/":        "sub is a folder: write 'sub/**' for the files in it",
		"fifo":        "fifo is not a regular file but a pipe",
		"no*":         "no file matches 'no*'",
		"none/*":      "no file matches 'none/*'",
		"a[":          "pattern 'a[': syntax error",
		"a.log/*":     "not a directory",
		"sub/b.log/x": "not a directory",
	} {
		got, err := files.Find(files.OS(), []string{pattern}, nil)
		require.ErrorContains(t, err, want, pattern)
		require.Empty(t, got, pattern)
	}
	got, err := files.Find(files.OS(), []string{"x*", "nope.log", "a*", "y*", "sub/b.log"}, nil)
	var none *files.NoMatchError
	require.ErrorAs(t, err, &none)
	require.Equal(t, []string{"x*", "nope.log", "y*"}, none.Patterns)
	require.Equal(t, []string{"a.log", "sub/b.log"}, got, "what the others found")
}

func TestFind_Exclude(t *testing.T) {
	makeTree(t, "a.log", "out/b.log")
	out := func(path string) bool { return strings.HasPrefix(path, "out/") }
	got, err := files.Find(files.OS(), []string{"**"}, out)
	require.NoError(t, err)
	require.Equal(t, []string{"a.log"}, got)
	_, err = files.Find(files.OS(), []string{"out/*"}, out)
	require.ErrorContains(t, err, "no file matches 'out/*'")
}

func TestFind_SymbolicLinks(t *testing.T) {
	makeTree(t, "real/a.log", "other/b.log")
	for link, target := range map[string]string{
		"real/link.log": "../other/b.log",
		"real/dir":      "../other",
		"real/loop":     "../real",
		"real/loop2":    ".",
		"other/back":    "../real",
		"real/gone.log": "nowhere",
	} {
		require.NoError(t, os.Symlink(target, link))
	}
	disk := files.OS()
	got, err := files.Find(disk, []string{"real/**"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"real/a.log", "real/link.log"}, got)
	require.Equal(t, []string{"real/dir"}, linksOf(disk.Refused()), "** walks through no link, and says so")
	require.ErrorContains(t, disk.Refused()[0], "give it a pattern of its own")
	got, err = files.Find(files.OS(), []string{"r*/d*/*.log", "**/loop/a.log"}, nil)
	require.ErrorContains(t, err, "**/loop/a.log")
	require.Equal(t, []string{"real/dir/b.log"}, got)
	_, err = files.Find(files.OS(), []string{"real/gone.log"}, nil)
	require.ErrorContains(t, err, "no file matches 'real/gone.log'")

	require.NoError(t, os.Symlink("self", "real/self"))
	_, err = files.Find(files.OS(), []string{"real/**"}, nil)
	require.ErrorIs(t, err, unix.ELOOP)
}

func linksOf(refused []*files.LinkError) (links []string) {
	for _, e := range refused {
		links = append(links, e.Link)
	}
	return links
}

func TestFind_UnreadableFolder_IsAnError(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads every folder")
	}
	makeTree(t, "a.log", "sub/b.log")
	require.NoError(t, os.Chmod("sub", 0))
	t.Cleanup(func() { os.Chmod("sub", 0o777) })
	for _, pattern := range []string{"**", "**/b.log", "*/b.log", "s*/*.log"} {
		_, err := files.Find(files.OS(), []string{pattern}, nil)
		require.ErrorIs(t, err, fs.ErrPermission, pattern)
	}
}

func TestFind_Faults(t *testing.T) {
	fsys := filestest.New()
	fsys.Write("logs/a.log", nil)
	bad := errors.New("bad disk")
	for op, pattern := range map[filestest.Op]string{
		filestest.OpGlob: "logs/*", filestest.OpStat: "logs/*"} {
		fsys.SetFault(func(o filestest.Op, path string, _ int64) error {
			if o == op && (op == filestest.OpGlob || path == "logs/a.log") {
				return bad
			}
			return nil
		})
		_, err := files.Find(fsys, []string{pattern}, nil)
		require.ErrorIs(t, err, bad)
	}
	// A file that goes between the listing and the look at it is passed over.
	fsys.Write("logs/b.log", nil)
	fsys.SetFault(func(o filestest.Op, path string, _ int64) error {
		if o == filestest.OpStat && path == "logs/b.log" {
			fsys.SetFault(nil)
			fsys.Remove(path)
		}
		return nil
	})
	got, err := files.Find(fsys, []string{"logs/*"}, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"logs/a.log"}, got)
	_, err = files.Find(fsys, []string{"logs"}, nil)
	require.ErrorContains(t, err, "is a folder")
}
