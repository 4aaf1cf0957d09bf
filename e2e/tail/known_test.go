//go:build soak

package tail_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/offsets/offsetstest"
)

const (
	knownSources = 200_000
	knownLogs    = 10
	knownReady   = 3 * time.Second
	knownWindow  = 20 * time.Second
)

// TestKnown_TwoHundredThousandSources is a host on which a program has been for long: what its
// ledger knows of old costs neither its start nor what it does then.
func TestKnown_TwoHundredThousandSources(t *testing.T) {
	s := newSite(t, func(c *settings) {
		c.tail = "{poll_interval: 1s}"
		c.batch = "{max_bytes: 1MiB, max_age: 1s}"
	})
	s.appendEach("at first")
	s.start()
	s.settle()
	s.stop()
	s.knowOfOld(knownSources)
	s.appendEach("while it was down")
	began := time.Now()
	s.start("--metrics", "127.0.0.1:0")
	s.awaitReady()
	ready := time.Since(began)
	s.settle()
	shipped := time.Since(began)
	pid := s.child.cmd.Process.Pid
	atRest := share(pid, func() { <-time.After(knownWindow) })
	busy := share(pid, func() { s.busyDay() })
	anon := memory(pid, "RssAnon")
	s.look()
	s.finish()
	t.Logf("%d known sources: ready after %v, all shipped after %v; %.2f %% of a core at rest, "+
		"%.2f %% with %d logs that are written to and rotate; %d MiB of its own", knownSources,
		ready.Round(time.Millisecond), shipped.Round(time.Millisecond), atRest*100, busy*100,
		knownLogs, anon>>20)
	require.Less(t, ready, knownReady)
	require.Less(t, atRest, 0.02)
	require.Less(t, busy, 0.2)
	require.Less(t, anon, int64(96<<20))
}

// knowOfOld puts n sources into the ledger, whose program does not run.
func (s *site) knowOfOld(n int) {
	s.Helper()
	l, err := offsets.Open(s.path("state"), offsets.Meta{Origin: offsetstest.Origin})
	require.NoError(s, err)
	offsetstest.Fill(s, l, n, nil)
	require.NoError(s, l.Close())
}

// appendEach writes some lines to each log.
func (s *site) appendEach(what string) {
	s.Helper()
	for i := range knownLogs {
		name := fmt.Sprintf("logs/%d.log", i)
		s.append(name, lines(name+" "+what, 5)...)
	}
}

// awaitReady waits until the program says that it is ready.
func (s *site) awaitReady() {
	s.Helper()
	address := ""
	s.await(func() (bool, string) {
		if address == "" {
			address = s.metricsAddress()
			return false, "it serves no metrics"
		}
		r, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK, r.Status
	})
}

// share is how much of a core a process uses while something is done.
func share(pid int, do func()) float64 {
	before, began := cpu(pid), time.Now()
	do()
	return float64(cpu(pid)-before) / float64(time.Since(began))
}

// busyDay writes to all logs for a while, and rotates one after the other.
func (s *site) busyDay() {
	s.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range int(knownWindow / time.Second) {
		<-tick.C
		s.appendEach(fmt.Sprint("at second ", i))
		log := fmt.Sprintf("logs/%d.log", i%knownLogs)
		s.rename(log, fmt.Sprintf("%s.%d", log, i))
	}
	s.settle()
}
