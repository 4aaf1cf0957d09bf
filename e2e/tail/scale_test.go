package tail_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// scaleRequests is how many requests a source may need, with the state lost in the middle.
	scaleRequests = 12
	// scaleFixed is how many more a site may need, however few logs it has, in its two runs.
	scaleFixed = 60
)

// scaled is what came of a number of logs that begin alike.
type scaled struct {
	logs, requests int
	took           time.Duration
}

func (s scaled) each() time.Duration { return s.took / time.Duration(s.logs) }

// atScale lets run bring logs to a bucket, of each number of them, and wants requests and time to
// grow as the logs do.
func atScale(t *testing.T, run func(c *countedSite, n int)) {
	if !scaleAlone {
		t.Parallel()
	}
	var all []scaled
	for _, n := range scaleLogs {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := newCountedSite(t, scaleAnswer, func(c *settings) {
				c.tail = "{poll_interval: 200ms}"
				c.batch = "{max_bytes: 1MiB, max_age: 1s}"
			})
			c.writeAlike(n)
			began := time.Now()
			run(c, n)
			s := scaled{logs: n, took: time.Since(began)}
			var kinds string
			s.requests, kinds = c.hurry()
			t.Logf("%d logs: %.2f requests and %v a log, %v in all; %s", n,
				float64(s.requests)/float64(n), s.each().Round(10*time.Microsecond),
				s.took.Round(10*time.Millisecond), kinds)
			c.exact()
			require.LessOrEqual(t, s.requests, scaleRequests*n+scaleFixed, kinds)
			all = append(all, s)
		})
	}
	if len(all) < len(scaleLogs) {
		return // one failed, or all were skipped
	}
	for i, s := range all[1:] {
		require.Less(t, float64(s.each()), scaleSlack*float64(all[i].each()),
			"time of one of %d, and of one of %d", s.logs, all[i].logs)
	}
}

// writeAlike writes n logs of some 20 KB that begin with one line and differ after it. Every other
// one is compressed.
func (s *site) writeAlike(n int) {
	s.Helper()
	pad := strings.Repeat("0123456789", 8)
	for i := range n {
		name := fmt.Sprintf("logs/%02d/app-%04d.log", i%20, i)
		list := []string{banner}
		for _, line := range lines(fmt.Sprint(i), 200) {
			list = append(list, line+" "+pad)
		}
		s.append(name, list...)
		if i%2 == 1 {
			s.compress(name, ".gz")
		}
	}
}

// awaitHalf waits until the program has been about half of n sources.
func (c *countedSite) awaitHalf(n int) {
	c.Helper()
	c.awaitFor(scalePatience(n), func() (bool, string) {
		have := c.count("PUT manifests")
		return have >= n/2, fmt.Sprintf("%d manifests of %d", have, n)
	})
}

// scalePatience is how long to wait for n sources, which have to ask one after the other.
func scalePatience(n int) time.Duration {
	return patience + time.Duration(n)*scaleRequests*scaleAnswer
}

// TestScale_Load_StateLostInTheMiddle kills a load and takes its state away, and loads again.
func TestScale_Load_StateLostInTheMiddle(t *testing.T) {
	atScale(t, func(c *countedSite, n int) {
		c.launch(exec.Command(c.program, "load", "-c", "ingest.yaml", "--quiet"))
		c.awaitHalf(n)
		c.kill()
		require.NoError(c, os.RemoveAll(c.path("state")))
		code, stdout, stderr := c.run("load", "-c", "ingest.yaml", "--quiet")
		require.Zero(c, code, "%s%s", stdout, stderr)
	})
}

// TestScale_Tail_StateLostInTheMiddle does so to a tail.
func TestScale_Tail_StateLostInTheMiddle(t *testing.T) {
	atScale(t, func(c *countedSite, n int) {
		c.start()
		c.awaitHalf(n)
		c.kill()
		require.NoError(c, os.RemoveAll(c.path("state")))
		c.start()
		c.awaitFor(scalePatience(n), func() (bool, string) {
			if have := c.count("PUT manifests"); have < n {
				return false, fmt.Sprintf("%d manifests of %d", have, n)
			}
			missing := lacking(c.want, c.rows())
			return missing == "", "lines: " + missing
		})
		c.awaitShipped()
		c.stop()
	})
}
