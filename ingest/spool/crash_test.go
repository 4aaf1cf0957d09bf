package spool

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

func testName(n int) string {
	return Name(source.ID{byte(n)}, source.Range{Start: 0, End: int64(n) + 1}, source.Seal{1})
}

// A batch stands whole and was never fsynced, since its folder could not be opened: to commit the
// same again makes it durable.
func TestSpool_CommittedAgainAfterAFolderThatDoesNotOpen(t *testing.T) {
	for k := 1; ; k++ {
		c := newCrashFS(t, t.TempDir())
		dir := filepath.Join(c.root, "spool")
		s, err := OpenFS(c, dir, 0)
		require.NoError(t, err)
		c.calls, c.stopAt, c.once = 0, k, true
		if _, err := commitBatch(s, 1); err == nil {
			require.Greater(t, k, 12)
			return
		}
		if s.usable() != nil {
			continue
		}
		_, err = commitBatch(s, 1)
		require.NoError(t, err, "call %d", k)
		c.powerLoss(func() bool { return false })
		s, entries := recoverAll(t, c, dir)
		require.Len(t, entries, 1, "call %d", k)
		requireWhole(t, s, entries)
	}
}

// contents are a batch's objects; the first of batch 0 is longer than the write buffer.
func contents(n int) [][]byte {
	size := 10
	if n == 0 {
		size = writeBuffer + 1
	}
	return [][]byte{make([]byte, size), fmt.Appendf(nil, "object of batch %d", n)}
}

func manifestOf(n int) []byte { return fmt.Appendf(nil, `{"batch":%d}`, n) }

// stageBatch stages the objects in another order than the manifest's.
func stageBatch(s *Spool, n int) (*Stage, error) {
	g, err := s.Stage()
	if err != nil {
		return nil, err
	}
	for i, data := range contents(n) {
		w, err := g.Create(fmt.Sprint("b", 1-i))
		if err != nil {
			return g, err
		}
		if _, err := w.Write(data); err != nil {
			return g, err
		}
		if err := w.Close(); err != nil {
			return g, err
		}
	}
	return g, nil
}

func commitBatch(s *Spool, n int) (*Stage, error) {
	g, err := stageBatch(s, n)
	if err != nil {
		return g, err
	}
	return g, g.Commit(testName(n), []string{"b1", "b0"}, manifestOf(n))
}

// told is what the spool acknowledged.
type told struct {
	there, gone map[int]bool
}

// live does all that a spool is for until something fails.
func live(fsys FS, dir string, acked *told) error {
	s, err := OpenFS(fsys, dir, 0)
	if err != nil {
		return err
	}
	if _, err := s.Recover(); err != nil {
		return err
	}
	for n := range 3 {
		if _, err := commitBatch(s, n); err != nil {
			return err
		}
		acked.there[n] = true
	}
	g, err := stageBatch(s, 7)
	if err != nil {
		return err
	}
	if err := g.Abort(); err != nil {
		return err
	}
	delete(acked.there, 1) // from here on it may be either
	if err := s.Remove(testName(1)); err != nil {
		return err
	}
	acked.gone[1] = true
	if _, err := commitBatch(s, 0); err != nil { // again: dropped
		return err
	}
	delete(acked.gone, 1)
	if _, err := commitBatch(s, 1); err != nil { // again, after it was removed
		return err
	}
	acked.there[1] = true
	return nil
}

// requireWhole checks that the folder holds entries, each to the byte, and nothing else.
func requireWhole(t require.TestingT, s *Spool, entries []Entry) map[int]bool {
	there := map[int]bool{}
	for _, e := range entries {
		id, _, _, err := ParseName(e.Name)
		require.NoError(t, err)
		n := int(id[0])
		there[n] = true
		require.Equal(t, testName(n), e.Name)
		require.Equal(t, string(manifestOf(n)), string(e.Manifest))
		for i, want := range contents(n) {
			f, size, err := s.Open(e.Name, i)
			require.NoError(t, err)
			got, err := io.ReadAll(f)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.Equal(t, int64(len(want)), size)
			require.True(t, string(want) == string(got), "object %d of %s differs", i, e.Name)
		}
		files, err := os.ReadDir(filepath.Join(s.dir, e.Name))
		require.NoError(t, err)
		require.Len(t, files, len(contents(n))+1)
	}
	files, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Len(t, files, len(entries), "folders left")
	return there
}

// losses are the ways in which a crash can leave the disk.
func losses(c *crashFS) map[string]func() {
	all := map[string]func(){
		"kill":            func() {},
		"power, worst":    func() { c.powerLoss(func() bool { return false }) },
		"power, all kept": func() { c.powerLoss(func() bool { return true }) },
	}
	for seed := range lossSeeds {
		r := rand.New(rand.NewPCG(seed, 1))
		all["power, seed "+strconv.FormatUint(seed, 10)] = func() {
			c.powerLoss(func() bool { return r.IntN(2) == 0 })
		}
	}
	return all
}

// Whatever call is the last one that a process makes, a batch is there whole or not at all, what
// was acknowledged holds, nothing else is left, and it stays so when the power goes afterwards.
func TestSpool_CrashAtEveryCall(t *testing.T) {
	calls := countCalls(t)
	require.Greater(t, calls, 60)
	for k := 1; k <= calls+1; k++ {
		for loss := range losses(nil) {
			c := newCrashFS(t, t.TempDir())
			dir := filepath.Join(c.root, "spool")
			acked := crash(t, c, k)
			losses(c)[loss]()
			where := fmt.Sprintf("crash at call %d of %d, %s", k, calls, loss)

			s, entries := recoverAll(t, c, dir)
			there := requireWhole(t, s, entries)
			for n := range acked.there {
				require.True(t, there[n], "%s: batch %d is lost", where, n)
			}
			for n := range acked.gone {
				require.False(t, there[n], "%s: batch %d is back", where, n)
			}
			c.powerLoss(func() bool { return false })
			after, err := s.List()
			require.NoError(t, err)
			require.Equal(t, names(entries), names(after), "%s: then power loss", where)
			s, entries = recoverAll(t, c, dir)
			requireWhole(t, s, entries)
		}
	}
}

// A Recover that is itself stopped anywhere leaves no less to the next one.
func TestSpool_CrashInRecover(t *testing.T) {
	calls := countCalls(t)
	for k := 1; k <= calls+1; k += recoverStep {
		for j, done := 1, false; !done; j++ {
			c := newCrashFS(t, t.TempDir())
			dir := filepath.Join(c.root, "spool")
			acked := crash(t, c, k)
			c.calls, c.stopAt = 0, j
			s, err := OpenFS(c, dir, 0)
			if err == nil {
				_, err = s.Recover()
			}
			done = err == nil
			if j%2 == 0 {
				c.powerLoss(func() bool { return false })
			}
			s, entries := recoverAll(t, c, dir)
			there := requireWhole(t, s, entries)
			for n := range acked.there {
				require.True(t, there[n], "crash at %d, then at %d: batch %d is lost", k, j, n)
			}
		}
	}
}

func countCalls(t *testing.T) int {
	c := newCrashFS(t, t.TempDir())
	acked := told{map[int]bool{}, map[int]bool{}}
	require.NoError(t, live(c, filepath.Join(c.root, "spool"), &acked))
	return c.calls
}

func crash(t *testing.T, c *crashFS, k int) told {
	c.stopAt = k
	acked := told{map[int]bool{}, map[int]bool{}}
	if err := live(c, filepath.Join(c.root, "spool"), &acked); err != nil {
		require.ErrorContains(t, err, errCrash.Error())
	}
	return acked
}

func recoverAll(t *testing.T, c *crashFS, dir string) (*Spool, []Entry) {
	c.stopAt = 0
	s, err := OpenFS(c, dir, 0)
	require.NoError(t, err)
	entries, err := s.Recover()
	require.NoError(t, err)
	return s, entries
}

func names(entries []Entry) (n []string) {
	for _, e := range entries {
		n = append(n, e.Name)
	}
	return n
}

// A full disk at any call gives a typed error, and once there is room it goes on, in the same
// process unless the fsync of a folder failed.
func TestSpool_DiskFullAtEveryCall(t *testing.T) {
	for k := 1; ; k++ {
		c := newCrashFS(t, t.TempDir())
		c.stopErr, c.once = &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true
		dir := filepath.Join(c.root, "spool")
		s, err := OpenFS(c, dir, 0)
		require.NoError(t, err)
		c.calls, c.stopAt = 0, k
		g, err := commitBatch(s, 1)
		if err == nil {
			require.Greater(t, k, 12)
			return
		}
		require.Equal(t, s.usable() != nil, errors.Is(err, ErrUnusable), "call %d", k)
		require.Equal(t, s.usable() == nil, errors.As(err, new(*FullError)), "call %d", k)
		require.Equal(t, s.usable() == nil, errors.Is(err, syscall.ENOSPC), "call %d", k)
		if g != nil {
			require.Error(t, g.Commit(testName(1), []string{"b1", "b0"}, manifestOf(1)), "call %d", k)
			require.NoError(t, g.Abort())
		}
		if s.usable() != nil {
			_, err := s.Stage()
			require.ErrorIs(t, err, ErrUnusable)
			require.ErrorIs(t, s.Remove(testName(1)), ErrUnusable)
			s, _ = recoverAll(t, c, dir)
		}
		_, err = commitBatch(s, 1)
		require.NoError(t, err, "call %d", k)
		_, entries := recoverAll(t, c, dir)
		require.Len(t, entries, 1)
		requireWhole(t, s, entries)
	}
}
