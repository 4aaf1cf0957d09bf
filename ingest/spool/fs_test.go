package spool

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A link in the spool leads nowhere: nothing outside is read, written or removed by it.
func TestSpool_LeavesItsFolderByNoLink(t *testing.T) {
	outside := t.TempDir()
	for _, name := range []string{manifestName, "0"} {
		require.NoError(t, os.WriteFile(filepath.Join(outside, name), manifestOf(1), 0o600))
	}
	s := openTest(t)
	require.NoError(t, os.Symlink(outside, filepath.Join(s.dir, testName(1))))
	require.False(t, s.Has(testName(1)))
	_, err := s.Manifest(testName(1))
	require.Error(t, err)
	_, _, err = s.Open(testName(1), 0)
	require.Error(t, err)
	require.Error(t, s.Remove(testName(1)))
	_, err = commitBatch(s, 1)
	require.Error(t, err)
	require.FileExists(t, filepath.Join(outside, manifestName))
	require.FileExists(t, filepath.Join(outside, "0"))
}

// The spool itself may be on another disk, by a link.
func TestSpool_MayBeALink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "spool")
	require.NoError(t, os.Symlink(t.TempDir(), link))
	s, err := Open(link, 0)
	require.NoError(t, err)
	_, err = commitBatch(s, 1)
	require.NoError(t, err)
	entries, err := s.Recover()
	require.NoError(t, err)
	requireWhole(t, s, entries)
}

// Nobody else may read what waits.
func TestSpool_NobodyElseMayEnter(t *testing.T) {
	s := openTest(t)
	_, err := commitBatch(s, 1)
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, path)
		return nil
	}))
}
