//go:build linux

package crash_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// onOneProcessor is a new machine that makes nearly the same calls in each run.
func (c *cloud) onOneProcessor(t testing.TB, prefix string) *site {
	s := c.site(t, prefix)
	s.env = append(s.env, "GOMAXPROCS=1")
	return s
}

// TestSweepS3_KilledAtEachCall_EndsAsUndisturbed is the sweep over a load into a bucket. It also
// kills where the load writes to the server.
func TestSweepS3_KilledAtEachCall_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	want, whole := undisturbed(c.onOneProcessor(t, "undisturbed"))
	t.Logf("the undisturbed load makes %d calls: %v", whole.count, whole.calls)
	require.Positive(t, whole.calls[toSocket])
	var sockets atomic.Int64
	landed := sweep(t, func(t *testing.T, step int) bool {
		run := c.killAndGoOn(t, 1+(step-1)*sweepS3By, "", want)
		if strings.HasPrefix(run.last, toSocket) {
			sockets.Add(1)
		}
		return run.killed
	})
	t.Logf("%d kills, of them %d at writes to the server", landed, sockets.Load())
	requireSwept(t, whole, sweepS3By, landed)
}

// TestSweepS3_StateLostAfterAKill_EndsAsUndisturbed loses the machine, too: what of its last
// requests the server still carries out may be done twice, to the same effect.
func TestSweepS3_StateLostAfterAKill_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	want, whole := undisturbed(c.onOneProcessor(t, "undisturbed"))
	landed := sweep(t, func(t *testing.T, step int) bool {
		lost := losses[step%len(losses)]
		return c.killAndGoOn(t, 2+(step-1)*sweepS3LossBy, "state"+lost, want).killed
	})
	t.Logf("%d kills", landed)
	requireSwept(t, whole, sweepS3LossBy, landed)
}

// requireSwept wants kills at each by-th of the calls that the undisturbed load makes. How often
// the ledger writes a page depends on the order in which batches come to be shipped, which is a
// few calls in some hundred.
func requireSwept(t *testing.T, whole traced, by, landed int) {
	t.Helper()
	require.InDelta(t, whole.count/by, landed, float64(whole.count)/20/float64(by)+1,
		"kills that landed, against calls of the undisturbed load")
}

// killAndGoOn kills a load at its k-th changing call, removes what is lost, and loads again.
func (c *cloud) killAndGoOn(t *testing.T, k int, lost string, want tree) traced {
	s := c.onOneProcessor(t, fmt.Sprintf("killed-%d", k))
	s.writeSmall()
	run, err := s.trace(k, loadSmall...)
	require.NoError(t, err)
	defer func() {
		if t.Failed() {
			t.Logf("killed at call %d, %s; lost: %q", k, run.last, lost)
		}
	}()
	requireStruck(t, run, k)
	s.soundInBetween()
	if lost != "" {
		require.NoError(t, os.RemoveAll(s.path(lost)))
	}
	s.must(0, loadSmall...)
	s.proveSmall()
	s.requireTree(want)
	s.requireTidy()
	require.NoError(t, os.RemoveAll(s.lake))
	return run
}

// TestSweepS3_KilledAgainAndAgain_ComesThrough kills one load and all its repetitions, each one a
// little later than the one before, until one is not killed.
func TestSweepS3_KilledAgainAndAgain_ComesThrough(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	want, whole := undisturbed(c.onOneProcessor(t, "undisturbed"))
	s := c.onOneProcessor(t, "again")
	s.writeSmall()
	kills := s.killUntilThrough(whole.count, againS3By)
	t.Logf("came through after %d kills", kills)
	s.requireTree(want)
}
