package offsets

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever can put a link where a file of the state is does not choose what we write to.
func TestOpen_FollowsNoLink(t *testing.T) {
	for _, name := range []string{LockName, FileName, FileName + ".tmp"} {
		t.Run(name, func(t *testing.T) {
			victim := filepath.Join(t.TempDir(), "victim")
			require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
			dir := t.TempDir()
			require.NoError(t, os.Symlink(victim, filepath.Join(dir, name)))
			l, err := Open(dir, Meta{})
			if name == FileName+".tmp" { // what an earlier run left is removed
				require.NoError(t, err)
				require.NoError(t, l.Close())
			} else {
				require.ErrorContains(t, err, "is no regular file")
			}
			have, err := os.ReadFile(victim)
			require.NoError(t, err)
			require.Equal(t, "precious", string(have))
		})
	}
}

// A lock that is a link to the ledger would empty it.
func TestOpen_FollowsNoLinkWithinItsFolder(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Meta{})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.NoError(t, os.Remove(filepath.Join(dir, LockName)))
	require.NoError(t, os.Symlink(FileName, filepath.Join(dir, LockName)))
	for _, open := range []func() error{
		func() error { _, err := Open(dir, Meta{}); return err },
		func() error { _, err := OpenReadOnly(dir); return err },
		func() error { _, err := Aside(dir); return err },
	} {
		require.ErrorContains(t, open(), "is no regular file")
	}
	require.NoError(t, os.Remove(filepath.Join(dir, LockName)))
	l, err = Open(dir, Meta{})
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

// Nobody else may read the ledger or hold its lock, whatever the umask is.
func TestOpen_NobodyElseMayEnter(t *testing.T) {
	above := filepath.Join(t.TempDir(), "above")
	dir := filepath.Join(above, "state")
	for range 2 { // made, and found
		l, err := Open(dir, Meta{})
		require.NoError(t, err)
		for path, want := range map[string]fs.FileMode{above: 0o755, dir: 0o700,
			filepath.Join(dir, LockName): 0o600, filepath.Join(dir, FileName): 0o600} {
			st, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, want, st.Mode().Perm(), path)
		}
		require.NoError(t, l.Close())
		for _, name := range []string{LockName, FileName} {
			require.NoError(t, os.Chmod(filepath.Join(dir, name), 0o644))
		}
	}
}
