package tail_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// Logs of one program begin alike, with its banner. Each is a source of its own, and all ship.

// banner is what a program says first, whatever it says then.
const banner = "service starting"

// alike tells one story alikeRuns times, and says at the end how often it went wrong.
func alike(t *testing.T, story func(t *testing.T, r *rand.Rand)) {
	t.Parallel()
	failed := 0
	for i := range alikeRuns {
		seed := rand.Uint64()
		if !t.Run(fmt.Sprintf("%02d-seed-%d", i, seed), func(t *testing.T) {
			story(t, rand.New(rand.NewPCG(seed, 0)))
		}) {
			failed++
		}
	}
	t.Logf("%d of %d went wrong", failed, alikeRuns)
}

// starting is a log of a program: its banner, and lines that no other log has.
func starting(what string, n int) []string { return append([]string{banner}, lines(what, n)...) }

// proven wants nothing to wait in the spool, and each file to be in the sink down to its bytes.
func (s *site) proven(names ...string) {
	s.Helper()
	s.settle()
	s.awaitShipped()
	s.finish()
	s.requireEmptySpool()
	args := []string{"verify", "-c", "ingest.yaml", "--deep"}
	for _, name := range names {
		args = append(args, "--source", s.path(name))
	}
	code, stdout, stderr := s.run(args...)
	require.Zero(s, code, "%s%s", stdout, stderr)
}

// onBoth tells a story with a folder for a sink and with a bucket.
func onBoth(t *testing.T, story func(s *site, r *rand.Rand)) {
	t.Run("folder", func(t *testing.T) {
		alike(t, func(t *testing.T, r *rand.Rand) { story(newSite(t), r) })
	})
	t.Run("S3", func(t *testing.T) {
		alike(t, func(t *testing.T, r *rand.Rand) { story(newEmptyCloud(t).site, r) })
	})
}

// TestAlike_FiveRotatedLogs_AtTheFirstStart finds them all at once.
func TestAlike_FiveRotatedLogs_AtTheFirstStart(t *testing.T) {
	onBoth(t, func(s *site, r *rand.Rand) {
		names := []string{"logs/app.log"}
		for i := range 4 {
			names = append(names, fmt.Sprintf("logs/app.log.%d", i+1))
		}
		for _, name := range names {
			s.append(name, starting(name, 100+r.IntN(301))...)
		}
		s.start()
		s.settle()
		s.append(names[0], "and one more")
		s.again(s.kill)
		s.proven(names...)
	})
}

// TestAlike_AShortLogBetweenLongOnes_ByRotation is a program that is started, once in vain, and
// rotates its log at each start.
func TestAlike_AShortLogBetweenLongOnes_ByRotation(t *testing.T) {
	onBoth(t, func(s *site, r *rand.Rand) {
		rotate := func() {
			s.rename("logs/app.log.1", "logs/app.log.2")
			s.rename("logs/app.log", "logs/app.log.1")
		}
		s.start()
		s.append("logs/app.log", starting("first", 100+r.IntN(301))...)
		s.settle()
		s.rename("logs/app.log", "logs/app.log.1")
		s.append("logs/app.log", banner, "FATAL: cannot bind port")
		s.settle()
		rotate()
		s.append("logs/app.log", starting("third", 100+r.IntN(301))...)
		s.settle()
		s.again(s.stop)
		s.append("logs/app.log", "after a restart")
		s.settle()
		s.again(s.kill)
		s.look()
		s.proven("logs/app.log", "logs/app.log.1", "logs/app.log.2")
	})
}

// slowly makes every answer of the bucket come 100 ms later.
func (s *cloudSite) slowly() {
	s.Helper()
	s.wire.Fault(s, "latency", s3test.Downstream, map[string]any{"latency": 100}, 1)
}

// TestAlike_SixArchives_MovedInAtOnce_DeletedWhenSafe brings archives to a bucket that takes its
// time, and deletes each as soon as it may go.
func TestAlike_SixArchives_MovedInAtOnce_DeletedWhenSafe(t *testing.T) {
	alike(t, func(t *testing.T, r *rand.Rand) {
		s := newCloudSite(t)
		s.slowly()
		s.start()
		s.look()
		var names []string
		for i := range 6 {
			name := fmt.Sprintf("app.log.%d", i+1)
			s.append("in/"+name, starting(name, 100+r.IntN(301))...)
			s.compress("in/"+name, ".gz")
			names = append(names, name+".gz")
		}
		for _, name := range names {
			s.rename("in/"+name, "logs/"+name)
		}
		s.await(func() (bool, string) {
			var left []string
			for _, name := range names {
				if s.safe("logs/" + name) {
					s.rename("logs/"+name, "gone/"+name)
				} else {
					left = append(left, name)
				}
			}
			names = left
			return len(left) == 0, fmt.Sprintf("not safe to delete: %v", left)
		})
		s.settle()
		s.look()
		var gone []string
		for i := range 6 {
			gone = append(gone, fmt.Sprintf("gone/app.log.%d.gz", i+1))
		}
		s.proven(gone...)
	})
}
