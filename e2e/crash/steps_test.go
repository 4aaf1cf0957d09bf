package crash_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// sweepWorkers kill side by side: most of the time goes by waiting for the disk.
const sweepWorkers = 2

// sweep calls try with 1, 2, and so on until it reports that no kill landed, and returns how many
// did.
func sweep(t *testing.T, try func(t *testing.T, k int) bool) int {
	t.Helper()
	var next, landed atomic.Int64
	var over atomic.Bool
	var wg sync.WaitGroup
	for range sweepWorkers {
		wg.Go(func() {
			for more := true; more && !over.Load() && !t.Failed(); {
				k := int(next.Add(1))
				t.Run(fmt.Sprintf("at-%d", k), func(t *testing.T) {
					more = false // also when it fails
					more = try(t, k)
				})
				if more {
					landed.Add(1)
				} else {
					over.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return int(landed.Load())
}
