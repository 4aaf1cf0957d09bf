//go:build linux

package crash_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/e2e/crash/tracer"
)

// undisturbed loads the small corpus once, watched, and returns its sink and calls. On one
// processor the program's calls are the same ones in each run, if not in the same order.
func undisturbed(s *site) (tree, traced) {
	s.Helper()
	s.writeSmall()
	run, err := s.trace(0, loadSmall...)
	if errors.Is(err, tracer.ErrNotAllowed) && os.Getenv("CI") != "true" {
		s.Skip("not run: ptrace is not allowed here")
	}
	require.NoError(s, err)
	require.Equal(s, 0, run.code, run.output)
	s.proveSmall()
	want := readTree(s, s.lake)
	require.Greater(s, len(want), 20, "the load is too small: %v", want)
	return want, run
}

// TestSweep_KilledAtEachCall_EndsAsUndisturbed kills the load at its first changing call, at its
// second, and so on until one is over before its call comes.
func TestSweep_KilledAtEachCall_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	want, whole := undisturbed(newSite(t, "GOMAXPROCS=1"))
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
		requireStruck(t, run, k)
		s.soundInBetween()
		s.must(0, loadSmall...)
		s.proveSmall()
		s.requireTree(want)
		s.requireTidy()
		return run.killed
	})
	requireSwept(t, whole, 1, landed)
}

// requireStruck wants a run to have been killed at its k-th call, unless it came to its end with
// fewer.
func requireStruck(t *testing.T, run traced, k int) {
	t.Helper()
	if run.killed {
		require.Equal(t, k, run.count, "it was killed at another call")
		return
	}
	require.Equal(t, 0, run.code, run.output)
	require.Less(t, run.count, k, "its call came, and it was not killed")
}

// TestSweep_StateLostAfterAKill_EndsAsUndisturbed loses the state, too. With the same batches cut
// again nothing is left over.
func TestSweep_StateLostAfterAKill_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	want, _ := undisturbed(newSite(t, "GOMAXPROCS=1"))
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
	want, whole := undisturbed(newSite(t, "GOMAXPROCS=1"))
	for _, step := range []int{1, 3, 17} {
		t.Run(fmt.Sprintf("step-%d", step), func(t *testing.T) {
			s := newSite(t, "GOMAXPROCS=1")
			s.writeSmall()
			t.Logf("came through after %d kills", s.killUntilThrough(whole.count, step))
			s.requireTree(want)
		})
	}
}

// killUntilThrough kills the load of the small corpus at its first changing call, its next
// repetition step calls later, and so on until one comes through, and returns how many were killed.
func (s *site) killUntilThrough(most, step int) int {
	s.Helper()
	var at []string
	for k := 1; ; k += step {
		require.LessOrEqual(s, k, 2*most+step, "the load makes no headway: %v", at)
		run, err := s.trace(k, loadSmall...)
		require.NoError(s, err)
		if !run.killed {
			require.Equal(s, 0, run.code, run.output)
			break
		}
		at = append(at, run.last)
		s.soundInBetween()
	}
	s.proveSmall()
	s.requireTidy()
	return len(at)
}

// TestTrace_KilledAtACall_DoesNotMakeIt holds the tracer to what the sweep needs of it.
func TestTrace_KilledAtACall_DoesNotMakeIt(t *testing.T) {
	t.Parallel()
	_, whole := undisturbed(newSite(t, "GOMAXPROCS=1"))
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
