package crash_test

import (
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// network is the way to a bucket for one load.
type network struct {
	t testing.TB
	*cloud
	undisturbed time.Duration
	want        tree
	log         *large
}

// newNetwork loads a log undisturbed.
func newNetwork(t *testing.T) *network {
	n := &network{t: t, cloud: newCloud(t)}
	n.log = writeNoisy(t, filepath.Join(t.TempDir(), "noisy.log"), netBytes)
	n.want, n.undisturbed = n.log.baseline(n.site(t, "undisturbed"), netBatch)
	return n
}

// of is the same network for a subtest.
func (n network) of(t testing.TB) *network {
	n.t = t
	return &n
}

// load loads the log into a prefix by some other way than the straight one. In mid-load, when there
// is a manifest, it calls meanwhile.
func (n *network) load(way *cloud, name string, meanwhile func(), options ...string) time.Duration {
	n.t.Helper()
	s := way.site(n.t, name, options...)
	s.configure("ingest.yaml", netBatch)
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if s.awaitManifest(over) {
			meanwhile()
		}
	})
	start := time.Now()
	s.must(0, "load", "-c", "ingest.yaml", n.log.path)
	took := time.Since(start)
	close(over)
	wg.Wait()
	s.requireTree(n.want)
	s.requireTidy()
	// The proof goes by the straight way, from another machine.
	straight := n.site(n.t, name)
	straight.configure("ingest.yaml", netBatch)
	n.log.prove(straight, "ingest.yaml")
	n.t.Logf("%s: %d bytes in %v, undisturbed %v", name, n.log.size, took.Round(time.Millisecond),
		n.undisturbed.Round(time.Millisecond))
	return took
}

// awaitManifest waits until the bucket has a manifest, or all is over.
func (s *site) awaitManifest(over <-chan struct{}) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return false
		case <-tick.C:
		}
		found, _ := filepath.Glob(filepath.Join(s.lake, "manifests", "*", "*", "*", "*", "*.json"))
		if len(found) > 0 {
			return true
		}
	}
}

// wire is a way of its own to the bucket.
func (n *network) wire() (*s3test.Wire, *cloud) {
	w := n.Wire(n.t)
	return w, n.by(w.Endpoint())
}

func nothing() {}

// TestNetwork_Bad_EndsAsUndisturbed loads one log over bad networks, one after the other, so that
// the times that it logs can be compared.
func TestNetwork_Bad_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	t.Run("down", func(t *testing.T) {
		n := n.of(t)
		w, way := n.wire()
		// Waits grow with an outage, so its end may be noticed as late again.
		took := n.load(way, "down", func() {
			w.Down()
			<-time.After(netDown)
			w.Up(t)
		})
		require.Greater(t, took, netDown, "the load was over before the network was down")
	})
	t.Run("black-hole", func(t *testing.T) {
		n := n.of(t)
		w, way := n.wire()
		took := n.load(way, "black-hole", func() {
			w.Fault(t, "timeout", s3test.Upstream, map[string]any{"timeout": 0}, 1)
			<-time.After(netHole)
			w.Mend(t)
		}, "stall="+netStall)
		require.Greater(t, took, netHole, "the load was over before the network was a black hole")
	})
	t.Run("latency", func(t *testing.T) {
		n := n.of(t)
		w, way := n.wire()
		w.Fault(t, "latency", s3test.Downstream, map[string]any{"latency": netLatencyMillis}, 1)
		n.load(way, "latency", nothing)
	})
	t.Run("slow", func(t *testing.T) {
		n := n.of(t)
		w, way := n.wire()
		w.Fault(t, "bandwidth", s3test.Upstream, map[string]any{"rate": 1000}, 1)
		took := n.load(way, "slow", nothing)
		// The noise alone, which does not compress. The kernel's buffers hide a part of it.
		require.Greater(t, took, time.Duration(netBytes*3/4)*time.Microsecond/2)
	})
}

// resetEvery is how many requests there are to one that meets a reset: 5 %.
const resetEvery = 20

// TestNetwork_ConnectionsReset_EndsAsUndisturbed resets 5 % of the connections, each of which is
// for one request: before the server hears of it, while it hears of it, or once it has done it.
func TestNetwork_ConnectionsReset_EndsAsUndisturbed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	g := newGateTo(t, n.cloud)
	g.front.Config.SetKeepAlivesEnabled(false)
	var resets atomic.Int64
	g.set(func(i int, _ *http.Request) http.HandlerFunc {
		if i%resetEvery != resetEvery/2 {
			return nil
		}
		return g.resetting(t, int(resets.Add(1))%3)
	})
	n.load(g.cloud, "resets", nothing)
	g.settle()
	t.Logf("%d resets", resets.Load())
	require.Positive(t, resets.Load())
}
