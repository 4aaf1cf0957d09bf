package files_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"logseal/ingest/files"
)

const (
	alice = 60001
	bob   = 60002
)

// linkedCase is a link in a folder, and whether it is followed.
type linkedCase struct {
	folder   int // owner
	mode     fs.FileMode
	group    int
	link     int // owner
	target   int // owner
	followed bool
}

// A link belongs to who can replace it, and is followed only to what is his, unless he is root or
// ourselves.
func TestDisk_FollowsALinkByWhoCanReplaceIt(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not run: only root can make files of others")
	}
	for name, c := range map[string]linkedCase{
		"root's in root's folder":            {0, 0o755, 0, 0, alice, true},
		"alice's in root's, to hers":         {0, 0o755, 0, alice, alice, true},
		"alice's in root's, to root's":       {0, 0o755, 0, alice, 0, false},
		"alice's in root's, to bob's":        {0, 0o755, 0, alice, bob, false},
		"in alice's folder, to hers":         {alice, 0o755, 0, alice, alice, true},
		"in alice's folder, to root's":       {alice, 0o755, 0, alice, 0, false},
		"root's in alice's, to root's":       {alice, 0o755, 0, 0, 0, false},
		"root's in alice's, to hers":         {alice, 0o755, 0, 0, alice, true},
		"in a folder for all":                {0, 0o777, 0, 0, 0, false},
		"root's in a sticky folder for all":  {0, 0o777 | fs.ModeSticky, 0, 0, alice, true},
		"alice's in a sticky folder":         {0, 0o777 | fs.ModeSticky, 0, alice, 0, false},
		"alice's in a sticky one, to hers":   {0, 0o777 | fs.ModeSticky, 0, alice, alice, true},
		"bob's in alice's sticky, to bob's":  {alice, 0o777 | fs.ModeSticky, 0, bob, bob, false},
		"hers in alice's sticky, to hers":    {alice, 0o777 | fs.ModeSticky, 0, alice, alice, true},
		"in a folder of a group":             {0, 0o775, alice, 0, 0, false},
		"in a folder of root's group":        {0, 0o775, 0, 0, 0, true},
		"in alice's folder of a group":       {alice, 0o775, alice, alice, alice, false},
		"nobody's, who may be anybody":       {0, 0o755, 0, 65534, 65534, false},
		"in nobody's folder, to nobody's":    {65534, 0o755, 0, 65534, 65534, false},
		"root's in nobody's folder, to root": {65534, 0o755, 0, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir, target := t.TempDir(), filepath.Join(t.TempDir(), "target")
			require.NoError(t, os.WriteFile(target, []byte("x"), 0o600))
			require.NoError(t, os.Chown(target, c.target, 0))
			link := filepath.Join(dir, "link")
			require.NoError(t, os.Symlink(target, link))
			require.NoError(t, os.Lchown(link, c.link, 0))
			require.NoError(t, os.Chown(dir, c.folder, c.group))
			require.NoError(t, os.Chmod(dir, c.mode))
			for _, look := range looks() {
				disk := files.OS()
				err := look(disk, link)
				if c.followed {
					require.NoError(t, err)
					continue
				}
				var refused *files.LinkError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, link, refused.Link)
				require.ErrorContains(t, err, "symlinks: follow")
				require.Equal(t, []string{link}, linksOf(disk.Refused()))
				require.NoError(t, look(files.OS().FollowAll(true), link))
				disk.Trust(link)
				require.NoError(t, look(disk, link))
			}
		})
	}
}

// looks are the ways to a file.
func looks() []func(disk *files.Disk, path string) error {
	return []func(*files.Disk, string) error{
		func(disk *files.Disk, path string) error { _, err := disk.Stat(path); return err },
		func(disk *files.Disk, path string) error {
			h, err := disk.Open(path)
			if err == nil {
				err = h.Close()
			}
			return err
		},
	}
}

// Each link of a chain is judged by itself, and each component of a path.
func TestDisk_JudgesEachLinkOnTheWay(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not run: only root can make files of others")
	}
	t.Chdir(t.TempDir())
	for _, dir := range []string{"secret", "alices", "roots"} {
		require.NoError(t, os.Mkdir(dir, 0o755))
	}
	require.NoError(t, os.WriteFile("secret/log", nil, 0o600))
	require.NoError(t, os.WriteFile("alices/log", nil, 0o600))
	require.NoError(t, os.Chown("alices", alice, 0))
	require.NoError(t, os.Chown("alices/log", alice, 0))
	for link, to := range map[string]string{
		"roots/first":   "../alices/second", // root's, to a link of hers
		"alices/second": "../secret/log",
		"alices/dir":    "../secret",
		"alices/up":     "../alices/../secret/log",
		"alices/own":    "log",
		"roots/good":    "../alices/own",
		"roots/dir":     "../alices",
		"roots/loop":    "loop",
	} {
		require.NoError(t, os.Symlink(to, link))
	}
	for path, bad := range map[string]string{
		"roots/first": "roots/../alices/second", "alices/dir/log": "alices/dir",
		"alices/up": "alices/up", "roots/good": "", "roots/dir/log": "", "roots/dir/../alices/own": "",
	} {
		for _, look := range looks() {
			err := look(files.OS(), path)
			if bad == "" {
				require.NoError(t, err, path)
				continue
			}
			var refused *files.LinkError
			require.ErrorAs(t, err, &refused, path)
			require.Equal(t, bad, refused.Link)
		}
	}
	_, err := files.OS().Stat("roots/loop")
	require.ErrorIs(t, err, unix.ELOOP)
	_, err = files.OS().Stat("alices/log/x")
	require.ErrorIs(t, err, unix.ENOTDIR)
}

// A look names a link that it does not follow, and finds all else.
func TestFinder_NamesALinkThatIsNotFollowed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not run: only root can make files of others")
	}
	makeTree(t, "secret/x.log", "logs/a.log", "logs/sub/b.log")
	require.NoError(t, os.Symlink("../secret/x.log", "logs/evil.log"))
	require.NoError(t, os.Symlink("../secret", "logs/evil"))
	require.NoError(t, os.Lchown("logs/evil.log", alice, 0))
	require.NoError(t, os.Lchown("logs/evil", alice, 0))
	for pattern, want := range map[string][]string{
		"logs/*.log": {"logs/evil.log"}, "logs/*/*.log": {"logs/evil", "logs/evil.log"},
		"logs/**/*.log": {"logs/evil", "logs/evil.log"}, "logs/evil/x.log": {"logs/evil/x.log"},
	} {
		f := files.NewFinder(files.OS(), []string{pattern}, nil)
		for range 2 {
			found, unread, err := f.Find(t.Context())
			require.NoError(t, err)
			for _, x := range found {
				require.NotContains(t, x.Path, "evil", pattern)
			}
			var named []string
			for _, u := range unread {
				require.ErrorAs(t, u.Err, new(*files.LinkError), pattern)
				named = append(named, u.Path)
			}
			require.Equal(t, want, named, pattern)
		}
		disk := files.OS()
		_, err := files.Find(disk, []string{pattern}, nil)
		if !errors.As(err, new(*files.NoMatchError)) {
			require.NoError(t, err)
		}
		require.NotEmpty(t, disk.Refused(), pattern)
	}
}

// `**` comes to an end though a link leads to all there is.
func TestFinder_WalksThroughNoLink(t *testing.T) {
	makeTree(t, "logs/a.log", "other/b.log")
	require.NoError(t, os.Symlink("/", "logs/all"))
	require.NoError(t, os.Symlink("../other", "logs/other"))
	require.NoError(t, os.Symlink("../logs", "logs/self"))
	found, unread, err := files.NewFinder(files.OS(), []string{"logs/**"}, nil).Find(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Len(t, unread, 2, "what a link leads to that is walked through anyway is not missed")
	require.Equal(t, "logs/all", unread[0].Path)
	require.Equal(t, "logs/other", unread[1].Path)
}

// A look ends after so many entries of folders, and says so; what it saw it gives.
func TestFinder_EndsAfterSoManyEntries(t *testing.T) {
	makeTree(t, "a/1.log", "b/2.log", "c/3.log", "c/4.log", "c/5.log")
	f := files.NewFinder(files.OS(), []string{"**/*.log"}, nil)
	f.SetMost(6)
	for range 2 {
		found, unread, err := f.Find(t.Context())
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Len(t, unread, 1)
		require.ErrorContains(t, unread[0].Err, "narrow the pattern")
		require.True(t, unread[0].Covers("c/5.log"), "it is not gone")
	}
}

// A look ends when it is told to.
func TestFinder_EndsWithItsContext(t *testing.T) {
	makeTree(t, "a.log")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := files.NewFinder(files.OS(), []string{"**"}, nil).Find(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = files.Find(files.OS().Within(ctx), []string{"**"}, nil)
	require.ErrorIs(t, err, context.Canceled)
}
