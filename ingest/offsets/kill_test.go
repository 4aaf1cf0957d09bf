package offsets

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// killedEnv names the folder that this binary, started again, changes until it is killed.
const killedEnv = "LOGSEAL_OFFSETS_KILLED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedEnv); dir != "" {
		fmt.Println("error:", changeForEver(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// changeForEver counts a source's K up and prints each one that is acknowledged.
func changeForEver(dir string) error {
	l, err := Open(dir, Meta{})
	if err != nil {
		return err
	}
	for {
		var k uint64
		err := l.Update(testKey("one"), func(s *Source) error {
			s.K++
			k = s.K
			return seal1(s)
		})
		if err != nil {
			return err
		}
		fmt.Println(k)
	}
}

func TestLedger_KilledAtAnyMoment_HoldsWhatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	last := uint64(0)
	for round := range killRounds {
		acked := killAfter(t, dir, round%7)
		l, err := Open(dir, Meta{})
		require.NoError(t, err, "the lock of a killed process is free")
		s, ok, err := l.Get(testKey("one"))
		require.NoError(t, err)
		require.True(t, ok)
		require.GreaterOrEqual(t, s.K, max(acked, last))
		last = s.K
		require.NoError(t, l.Close())
		require.NoError(t, Check(dir))
	}
}

// killAfter kills a process that changes the ledger in dir, after it acknowledged some changes,
// and returns the last one it did.
func killAfter(t *testing.T, dir string, changes int) (acked uint64) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), killedEnv+"="+dir)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); changes-- {
		acked, err = strconv.ParseUint(lines.Text(), 10, 64)
		require.NoError(t, err, lines.Text())
		if changes == 0 {
			require.NoError(t, c.Process.Kill())
		}
	}
	require.Error(t, c.Wait())
	return acked
}

func TestLedger_Update_FromManyGoroutines(t *testing.T) {
	l := openTest(t, t.TempDir())
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for range 5 {
				key := testKey(strconv.Itoa(g % 2))
				if err := l.Update(key, func(s *Source) error { s.K++; return seal1(s) }); err != nil {
					t.Error(err)
				}
				if _, _, err := l.Get(key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for g := range 2 {
		s, _, err := l.Get(testKey(strconv.Itoa(g)))
		require.NoError(t, err)
		require.EqualValues(t, 10, s.K)
	}
}
