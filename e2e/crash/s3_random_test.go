package crash_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// downMost is for how long a killed server is down at most.
const downMost = 300 * time.Millisecond

// hammer kills the server at random moments and starts it again soon after, until stop is called,
// which returns how often it did.
func (k *killer) hammer(c *cloud) (stop func() int) {
	over := make(chan struct{})
	kills := 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Duration(k.Int64N(int64(k.most)))):
			}
			c.Kill()
			kills++
			select {
			case <-over:
			case <-time.After(time.Duration(k.Int64N(int64(downMost)))):
			}
			c.Restart(k.t)
		}
	})
	return func() int {
		close(over)
		wg.Wait()
		k.learn(kills)
		return kills
	}
}

// TestRandomS3_BothKilledUntilDone_EndsAsUndisturbed kills loads of a large log at random moments,
// and the server they load into at others.
func TestRandomS3_BothKilledUntilDone_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	x := writeLarge(t, filepath.Join(t.TempDir(), "app.log"), randomBytes)
	c := newCloud(t)
	want, took := x.baseline(c.site(t, "undisturbed"), randomBatch)
	loads, servers := newKiller(t, took), newKiller(t, took/2)
	both := 0
	for round := range randomS3Rounds {
		s := c.round(t, fmt.Sprintf("round-%d", round))
		s.configure("ingest.yaml", randomBatch)
		args := []string{"load", "-c", "ingest.yaml", x.path}
		stop := servers.hammer(c)
		kills := loads.load(s, func() []string { return args }, func() {})
		if stop() > 0 && kills > 0 {
			both++
		}
		s.requireTree(want)
		s.requireTidy()
		x.prove(s, "ingest.yaml")
		s.remove()
	}
	t.Logf("%d loads of %d bytes, %v undisturbed: %d kills of loads, %d of the server, %d loads met both",
		randomS3Rounds, x.size, took, loads.kills, servers.kills, both)
	require.Positive(t, loads.kills)
	require.Positive(t, servers.kills)
}
