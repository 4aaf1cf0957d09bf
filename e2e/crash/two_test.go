package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTwo_LoadsOfOneFile_CountExactly runs two loads of one log into one folder at once, each with
// its own state and batches, and kills both at random moments until both are done; at last some
// of them lose state, too.
func TestTwo_LoadsOfOneFile_CountExactly(t *testing.T) {
	t.Parallel()
	x := writeLarge(t, filepath.Join(t.TempDir(), "app.log"), randomBytes)
	_, took := x.baseline(newSite(t), randomBatch)
	for _, lose := range []bool{false, true} {
		t.Run(fmt.Sprintf("lose-%v", lose), func(t *testing.T) {
			killers := []*killer{newKiller(t, took), newKiller(t, took)}
			for range twoRounds {
				s := newRound(t)
				x.loadTwice(s, killers, lose)
				s.must(0, "verify", "-c", "0.yaml", "--clean")
				x.requireCounted(s)
				x.prove(s, "0.yaml")
				s.remove()
			}
			t.Logf("%d and %d kills", killers[0].kills, killers[1].kills)
		})
	}
}

// loadTwice runs a load for each killer to its end.
func (x *large) loadTwice(s *site, killers []*killer, lose bool) {
	s.Helper()
	var wg sync.WaitGroup
	for i, k := range killers {
		config, state := fmt.Sprintf("%d.yaml", i), fmt.Sprintf("state-%d", i)
		args := func() []string {
			s.configure(config, randomBatch/4+k.Int64N(randomBatch))
			return []string{"load", "-c", config, "--state", state, x.path}
		}
		if !lose {
			same := args()
			args = func() []string { return same }
		}
		wg.Go(func() {
			k.load(s, args, func() {
				if lose && k.IntN(2) == 0 {
					gone := s.path(state + losses[k.IntN(len(losses))])
					require.NoError(s, os.RemoveAll(gone))
				}
			})
		})
	}
	wg.Wait()
	if s.Failed() {
		s.FailNow()
	}
	for i := range killers {
		waiting, err := filepath.Glob(s.path(fmt.Sprintf("state-%d/spool/*", i)))
		require.NoError(s, err)
		require.Empty(s, waiting, "spool of load %d", i)
	}
}
