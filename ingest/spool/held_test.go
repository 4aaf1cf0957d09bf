package spool

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// A batch that is set apart is no batch of the spool any more, takes no room, and stays through a start.
func TestSpool_SetApart(t *testing.T) {
	s := openTest(t)
	heldNames := func(s *Spool) (names []string) {
		held, err := s.Held()
		require.NoError(t, err)
		for _, e := range held {
			names = append(names, e.Name)
		}
		return names
	}
	require.Empty(t, heldNames(s))
	_, err := commitBatch(s, 1)
	require.NoError(t, err)
	require.NoError(t, s.SetApart(testName(1)))
	require.NoError(t, s.SetApart(testName(1)), "that there is none is no error")
	require.False(t, s.Has(testName(1)))
	require.Zero(t, s.Size())

	s, err = Open(s.dir, 0)
	require.NoError(t, err)
	left, err := s.Recover()
	require.NoError(t, err)
	require.Empty(t, left)
	require.Equal(t, []string{testName(1)}, heldNames(s))

	_, err = commitBatch(s, 1) // sealed again, from a file that came back
	require.NoError(t, err)
	require.NoError(t, s.SetApart(testName(1)))
	require.Equal(t, []string{testName(1)}, heldNames(s))
	require.NoDirExists(t, filepath.Join(s.dir, testName(1)))
	require.NoError(t, os.RemoveAll(filepath.Join(s.dir, heldName)))
	require.Empty(t, heldNames(s))
}

// A batch that is held from its start leaves one of the same name in the spool alone.
func TestStage_CommitHeld(t *testing.T) {
	s := openTest(t)
	_, err := commitBatch(s, 1)
	require.NoError(t, err)
	size := s.Size()
	hold := func() error {
		g, err := s.Stage()
		require.NoError(t, err)
		f, err := g.Create("o")
		require.NoError(t, err)
		_, err = f.Write([]byte("held"))
		require.NoError(t, errors.Join(err, f.Close()))
		err = g.CommitHeld(testName(1), []string{"o"}, []byte("m"))
		return errors.Join(err, g.Abort())
	}
	require.NoError(t, hold())
	first, err := os.Stat(filepath.Join(s.dir, heldName, testName(1)))
	require.NoError(t, err)
	require.NoError(t, hold())
	again, err := os.Stat(filepath.Join(s.dir, heldName, testName(1)))
	require.NoError(t, err)
	require.True(t, os.SameFile(first, again), "what is held may be the only copy, and is never taken away for another")
	require.True(t, s.Has(testName(1)))
	require.Equal(t, size, s.Size())
	held, err := s.Held()
	require.NoError(t, err)
	require.Equal(t, []Entry{{Name: testName(1), Manifest: []byte("m"), Size: 5}}, held)
	left, err := s.Recover()
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// holding holds batches in every way until something fails; whole says which were acknowledged.
func holding(fsys FS, dir string, whole map[int]bool) error {
	s, err := OpenFS(fsys, dir, 0)
	if err != nil {
		return err
	}
	for range 2 { // the second time one is there
		g, err := stageBatch(s, 2)
		if err != nil {
			return err
		}
		if err := g.CommitHeld(testName(2), []string{"b1", "b0"}, manifestOf(2)); err != nil {
			return err
		}
		if err := g.Abort(); err != nil {
			return err
		}
		whole[2] = true
	}
	for range 2 {
		if _, err := commitBatch(s, 1); err != nil {
			return err
		}
		whole[1] = true
		if err := s.SetApart(testName(1)); err != nil {
			return err
		}
	}
	delete(whole, 2) // from here on it may be either
	return s.RemoveHeld(testName(2))
}

// Whatever call is the last one that a process makes: what was acknowledged is there whole, in the spool
// or held.
func TestSpool_CrashWhileHolding(t *testing.T) {
	c := newCrashFS(t, t.TempDir())
	require.NoError(t, holding(c, filepath.Join(c.root, "spool"), map[int]bool{}))
	calls := c.calls
	require.Greater(t, calls, 40)
	for k := 1; k <= calls+1; k++ {
		for loss := range losses(nil) {
			c := newCrashFS(t, t.TempDir())
			dir := filepath.Join(c.root, "spool")
			c.stopAt = k
			acked := map[int]bool{}
			if err := holding(c, dir, acked); err != nil {
				require.ErrorContains(t, err, errCrash.Error())
			}
			losses(c)[loss]()
			s, there := recoverAll(t, c, dir)
			held, err := s.Held()
			require.NoError(t, err)
			for _, in := range []struct {
				dir     string
				entries []Entry
			}{{dir, there}, {filepath.Join(dir, heldName), held}} {
				for _, e := range in.entries {
					id, _, _, err := ParseName(e.Name)
					require.NoError(t, err)
					for i, want := range contents(int(id[0])) {
						got, err := os.ReadFile(filepath.Join(in.dir, e.Name, strconv.Itoa(i)))
						require.NoError(t, err)
						require.True(t, string(want) == string(got))
					}
					delete(acked, int(id[0]))
				}
			}
			require.Empty(t, acked, "crash at call %d of %d, %s: lost", k, calls, loss)
		}
	}
}
