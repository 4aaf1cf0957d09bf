//go:build soak

package tail_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	racedLogs   = 8     // the tenth of a fleet would be truncated, and have no banner again
	racedBytes  = 100e3 // a second, of one log: the detector makes all some ten times slower
	racedRotate = 2 * time.Second
	racedFor    = time.Minute
	racedStarts = 6 // within that time
)

// TestRaced_RotationAgainstS3 builds the program with the race detector, which it is shipped
// without, and lets it follow logs that begin alike and rotate fast, while the bucket is away now
// and then.
func TestRaced_RotationAgainstS3(t *testing.T) {
	s := newEmptyCloud(t, func(c *settings) {
		c.format = soakStream
		c.tail = "{poll_interval: 50ms, close_wait: 1s, copy_wait: 1h}"
		c.batch = "{max_bytes: 64KiB, max_age: 200ms}"
	})
	s.program = racedProgram(t)
	s.env = append(s.env, "GORACE=halt_on_error=1")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f, err := newFleet(s.path("logs"), banner+"\n", racedLogs, seed)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), racedFor)
	defer cancel()
	var writing sync.WaitGroup
	faults := make([]error, racedLogs)
	for i, w := range f.writers {
		writing.Go(func() { faults[i] = w.run(ctx, racedBytes, racedRotate) })
	}
	for ctx.Err() == nil {
		s.start()
		s.untilRaced(ctx, racedFor/racedStarts/2)
		s.wire.Down()
		s.untilRaced(ctx, racedFor/racedStarts/4)
		s.wire.Up(t)
		s.untilRaced(ctx, racedFor/racedStarts/4)
		s.stopRaced()
	}
	writing.Wait()
	require.NoError(t, errors.Join(faults...))
	s.start()
	s.requireNumbers(f)
	s.stopRaced()
}

// racedProgram builds the program with the race detector.
func racedProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ingest")
	cmd := exec.Command("go", "build", "-race", "-o", path, "logseal/cmd/ingest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1") // the detector needs it
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// untilRaced lets the program run for a while, or until ctx is over.
func (s *site) untilRaced(ctx context.Context, d time.Duration) {
	s.Helper()
	select {
	case <-s.over():
		require.FailNow(s, "it ended by itself", s.saidRace())
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stopRaced ends the program, which fails when it has found a race.
func (s *site) stopRaced() {
	s.Helper()
	s.stop()
	require.NotContains(s, s.said(), "DATA RACE")
}

// saidRace is what the program said from the first race on.
func (s *site) saidRace() string {
	said := s.said()
	return said[max(0, strings.Index(said, "WARNING: DATA RACE")):]
}

// requireNumbers waits until all that was written is in the sink, and wants it there once.
func (s *site) requireNumbers(f *fleet) {
	s.Helper()
	c := newCensus(s.lake.dir, len(f.writers))
	var n tally
	s.await(func() (bool, string) {
		var err error
		n, err = c.scan()
		require.NoError(s, err)
		missing := int64(0)
		for _, w := range f.writers {
			missing += c.missing(w.id, 0, w.next)
		}
		return missing == 0, s.saidRace()
	})
	require.Zero(s, n.twice+n.losses, "rows twice: %d, declared losses: %d", n.twice, n.losses)
	logs := f.rotations.Load() + int64(len(f.writers))
	require.Equal(s, logs, n.rejects, "banners, which are no rows")
}
