//go:build soak

package tail_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	idleFiles  = 2000
	busyFiles  = 10
	busyMaxAge = 2 * time.Second
	busyBytes  = 5e6 // a second, of all busy files
	window     = 30 * time.Second
)

// TestIdle_TwoThousandFilesAndTenBusy measures what files at rest cost, and how long after it was
// written a line is in the sink. It wants only what holds on any machine.
func TestIdle_TwoThousandFilesAndTenBusy(t *testing.T) {
	s := newSite(t, func(c *settings) {
		c.tail = "{poll_interval: 1s}"
		c.batch = fmt.Sprintf("{max_bytes: 64MiB, max_age: %v}", busyMaxAge)
	})
	for i := range idleFiles {
		s.append(fmt.Sprintf("logs/%d/idle-%d.log", i%20, i), lines(fmt.Sprintf("idle %d", i), 5)...)
	}
	s.start()
	s.settle()
	s.look()
	s.again(s.stop) // what it needs at rest, not what the start has left
	s.look()
	pid := s.child.cmd.Process.Pid
	if memory(pid, "VmRSS") == 0 {
		t.Skip("not run: the system has no /proc")
	}
	<-time.After(5 * time.Second)
	before := cpu(pid)
	<-time.After(window)
	atRest := float64(cpu(pid)-before) / float64(window)
	rssAtRest := memory(pid, "VmRSS")

	before = cpu(pid)
	mean, most := s.busy()
	underLoad := float64(cpu(pid)-before) / float64(window)
	peak := memory(pid, "VmHWM")
	t.Logf("%d idle files: %.2f %% of a core, %d MiB resident\n"+
		"and %d busy ones with %.0f MB/s: %.0f %% of a core, %d MiB at most\n"+
		"from write to shipped with max_age %v: %v on average, %v at most",
		idleFiles, atRest*100, rssAtRest>>20, busyFiles, busyBytes/1e6, underLoad*100, peak>>20,
		busyMaxAge, mean.Round(time.Millisecond), most.Round(time.Millisecond))
	s.stop()
	require.Empty(t, s.verify().Lost)
	require.Less(t, atRest, 0.05)
	require.Less(t, rssAtRest, int64(128<<20))
	require.Less(t, peak, int64(384<<20))
	require.Less(t, most, busyMaxAge+5*time.Second)
}

// busy writes for a while, and gives how long lines took to be in the sink.
func (s *site) busy() (mean, most time.Duration) {
	s.Helper()
	known := map[string]bool{} // manifests that were there before
	s.freshDelays(known, func(time.Duration) {})
	pad := strings.Repeat("0123456789abcdef", 8)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	looked := began
	written, n, sum := 0.0, 0, time.Duration(0)
	note := func(d time.Duration) {
		most, sum, n = max(most, d), sum+d, n+1
	}
	for now := began; now.Sub(began) < window; now = <-tick.C {
		for i := 0; written < now.Sub(began).Seconds()*busyBytes; i++ {
			var text strings.Builder
			for range 50 {
				fmt.Fprintf(&text, "%d %s\n", time.Now().UnixNano(), pad)
			}
			s.write(fmt.Sprintf("logs/busy-%d.log", i%busyFiles), text.String())
			written += float64(text.Len())
		}
		if now.Sub(looked) > 100*time.Millisecond { // there are thousands of folders
			looked = now
			s.freshDelays(known, note)
		}
	}
	require.Positive(s, n)
	return sum / time.Duration(n), most
}

// freshDelays gives, for each batch that is new in the sink, how old its first line is.
func (s *site) freshDelays(known map[string]bool, note func(time.Duration)) {
	s.Helper()
	paths, err := filepath.Glob(filepath.Join(s.lake.dir, "manifests", "*", "*", "*", "*", "*.json"))
	require.NoError(s, err)
	for _, path := range paths {
		if known[path] {
			continue
		}
		known[path] = true
		now := time.Now()
		c, err := s.lake.commit(path)
		require.NoError(s, err)
		if len(c.rows) == 0 {
			continue
		}
		first, _, _ := strings.Cut(c.rows[0].text, " ")
		if nanos, err := strconv.ParseInt(first, 10, 64); err == nil {
			note(now.Sub(time.Unix(0, nanos)))
		}
	}
}
