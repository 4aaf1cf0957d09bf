//go:build linux

package crash_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// sweepWorkers kill side by side: most of the time goes by waiting for the disk.
const sweepWorkers = 2

var loadSmall = []string{"load", "-c", "ingest.yaml"}

// undisturbed loads the small corpus once, watched, and returns its sink and calls. On one
// processor the program's calls are the same ones in each run, if not in the same order.
func undisturbed(t *testing.T) (tree, traced) {
	t.Helper()
	s := newSite(t, "GOMAXPROCS=1")
	s.writeSmall()
	run, err := s.trace(0, loadSmall...)
	if errors.Is(err, errNoTracing) && os.Getenv("CI") != "true" {
		t.Skip("not run: ptrace is not allowed here")
	}
	require.NoError(t, err)
	require.Equal(t, 0, run.code, run.output)
	s.proveSmall()
	want := readTree(t, s.lake)
	require.Greater(t, len(want), 20, "the load is too small: %v", want)
	return want, run
}

func (s *site) proveSmall() {
	s.Helper()
	s.must(0, "verify", "-c", "ingest.yaml", "--deep", "--source", "logs/*")
}

// TestSweep_KilledAtEachCall_EndsAsUndisturbed kills the load at its first changing call, at its
// second, and so on until one is over before its call comes.
func TestSweep_KilledAtEachCall_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	want, whole := undisturbed(t)
	t.Logf("the undisturbed load makes %d calls: %v", whole.count, whole.calls)
	for _, name := range []string{"write", "pwrite64", "fdatasync", "fsync", "renameat", "linkat",
		"unlinkat", "ftruncate"} {
		require.Positive(t, whole.calls[name], "%s: the load makes no such call", name)
	}
	landed := sweep(t, func(t *testing.T, k int) (killed bool) {
		s := newSite(t, "GOMAXPROCS=1")
		s.writeSmall()
		run, err := s.trace(k, loadSmall...)
		require.NoError(t, err)
		defer func() {
			if t.Failed() {
				t.Logf("killed at call %d, %s", k, run.last)
			}
		}()
		if !run.killed {
			require.Equal(t, 0, run.code, run.output)
		}
		s.soundInBetween()
		s.must(0, loadSmall...)
		s.proveSmall()
		s.requireTree(want)
		s.requireTidy()
		return run.killed
	})
	require.Equal(t, whole.count, landed, "kills that landed, against calls of the undisturbed load")
}

// soundInBetween wants the sink to be sound after a kill as it is: what manifests name is there,
// and nothing else is at fault. A batch that is only half there is no fault.
func (s *site) soundInBetween() {
	s.Helper()
	code := 0
	if _, err := os.Stat(filepath.Join(s.lake, "logseal.json")); err != nil {
		code = 1 // no table here
	}
	s.must(code, "verify", "-c", "ingest.yaml", "--deep")
}

// sweep calls try with 1, 2, and so on until it reports that no kill landed, and returns how many
// did.
func sweep(t *testing.T, try func(t *testing.T, k int) bool) int {
	t.Helper()
	var next, landed atomic.Int64
	var wg sync.WaitGroup
	for range sweepWorkers {
		wg.Go(func() {
			for more := true; more && !t.Failed(); {
				k := int(next.Add(1))
				t.Run(fmt.Sprintf("call-%d", k), func(t *testing.T) {
					more = false // also when it fails
					more = try(t, k)
				})
				if more {
					landed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(landed.Load())
}

// TestSweep_StateLostAfterAKill_EndsAsUndisturbed loses the state, too. With the same batches cut
// again nothing is left over.
func TestSweep_StateLostAfterAKill_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	want, _ := undisturbed(t)
	landed := sweep(t, func(t *testing.T, i int) (killed bool) {
		s := newSite(t, "GOMAXPROCS=1")
		s.writeSmall()
		run, err := s.trace(1+(i-1)*sweepLossBy, loadSmall...)
		require.NoError(t, err)
		lost := losses[i%len(losses)]
		defer func() {
			if t.Failed() {
				t.Logf("%s lost after the kill at %s", lost, run.last)
			}
		}()
		s.loseState(lost)
		s.must(0, loadSmall...)
		s.proveSmall()
		s.requireTree(want)
		return run.killed
	})
	t.Logf("%d kills", landed)
	require.Positive(t, landed)
}

// TestSweep_KilledAgainAndAgain_ComesThrough kills one load and all its repetitions, each one a
// little later than the one before, until one is not killed.
func TestSweep_KilledAgainAndAgain_ComesThrough(t *testing.T) {
	t.Parallel()
	want, whole := undisturbed(t)
	for _, step := range []int{1, 3, 17} {
		t.Run(fmt.Sprintf("step-%d", step), func(t *testing.T) {
			s := newSite(t, "GOMAXPROCS=1")
			s.writeSmall()
			var at []string
			for k := 1; ; k += step {
				require.LessOrEqual(t, k, whole.count+step, "the load makes no headway: %v", at)
				run, err := s.trace(k, loadSmall...)
				require.NoError(t, err)
				if !run.killed {
					require.Equal(t, 0, run.code, run.output)
					break
				}
				at = append(at, run.last)
				s.soundInBetween()
			}
			t.Logf("came through after %d kills", len(at))
			s.proveSmall()
			s.requireTree(want)
			s.requireTidy()
		})
	}
}

// TestTrace_KilledAtACall_DoesNotMakeIt holds the tracer to what the sweep needs of it.
func TestTrace_KilledAtACall_DoesNotMakeIt(t *testing.T) {
	t.Parallel()
	_, whole := undisturbed(t)
	require.Equal(t, whole.count, sum(whole.calls))
	s := newSite(t, "GOMAXPROCS=1")
	s.writeSmall()
	run, err := s.trace(1, loadSmall...)
	require.NoError(t, err)
	require.True(t, run.killed)
	require.Equal(t, "mkdirat("+s.lake+")", run.last)
	require.NoDirExists(t, s.lake)
	run, err = s.trace(2, loadSmall...)
	require.NoError(t, err)
	require.True(t, run.killed)
	require.DirExists(t, s.lake)
}

func sum(counts map[string]int) (n int) {
	for _, c := range slices.Sorted(maps.Values(counts)) {
		n += c
	}
	return n
}
