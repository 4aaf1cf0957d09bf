//go:build soak

package tail_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// settleAccount counts everything anew and says how it was.
func (k *soak) settleAccount(took, caughtUp time.Duration) {
	k.Helper()
	fresh := newCensus(k.lake.dir, soakLogs)
	n, err := fresh.scan()
	require.NoError(k, err)
	written, missing := int64(0), int64(0)
	for _, w := range k.writers {
		written += w.next
		missing += fresh.missing(w.id, 0, w.next)
	}
	k.Logf("soak of %v, seed above; caught up in %v\n"+
		"lines written  %d (%d bytes, %.1f MB/s)\nrows read back %d\nduplicates     %d\n"+
		"lost           %d\nrejects        %d\ndeclared lost  %d\n"+
		"rotations      %d, files removed %d, asked safe-to-delete %d, said yes %d\n"+
		"ingest         %d starts, %d SIGKILL, %d SIGTERM, peak RSS %d MiB\n"+
		"server         %d SIGKILL\nnetwork        %d outages, %v in all\n"+
		"sink           %d batches, %d data objects of %d bytes",
		took.Round(time.Second), caughtUp.Round(time.Second), written, k.bytes.Load(),
		float64(k.bytes.Load())/1e6/took.Seconds(), n.rows, n.twice, missing, n.rejects, n.losses,
		k.rotations.Load(), k.removed, k.asked, k.safe, k.starts, k.kills, k.terms, k.rssMax>>20,
		k.serverKills, k.outages, k.outageTime.Round(time.Second), n.batches, n.objects, n.bytes)
	require.Equal(k, written, n.rows, "rows")
	require.Zero(k, n.twice, "duplicates")
	require.Zero(k, missing, "lost")
	require.Zero(k, n.losses+n.rejects, "declared losses and rejects: %s", k.faults())
	require.Positive(k, k.safe, "no file was ever safe to delete")
	require.Empty(k, k.verify().Lost)
	k.requireEmptySpool()
}

// progress says how far it is.
func (k *soak) progress() {
	k.census.mu.Lock()
	n := k.census.tally
	k.census.mu.Unlock()
	k.fleet.mu.Lock()
	waiting := len(k.rotated)
	k.fleet.mu.Unlock()
	k.Logf("%v: %d lines, %d rows, %d twice, %d rejects, %d losses, %d kills, %d files wait to go",
		time.Since(k.began).Round(time.Second), k.lines.Load(), n.rows, n.twice, n.rejects, n.losses,
		k.kills, waiting)
}

// whereabouts says which lines are not there, and which sources are not at their end.
func (k *soak) whereabouts() string {
	var b strings.Builder
	for _, w := range k.writers {
		for n := int64(0); n < w.next; n++ {
			if k.census.missing(w.id, n, n+1) > 0 {
				fmt.Fprintf(&b, "writer %d lacks %d\n", w.id, n)
				break
			}
		}
	}
	_, stdout, stderr := k.run("status", "-c", "ingest.yaml")
	for line := range strings.Lines(stdout + stderr) {
		if !strings.Contains(line, " read ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// faults is what the sink should not have.
func (k *soak) faults() string {
	k.census.mu.Lock()
	defer k.census.mu.Unlock()
	return strings.Join(k.census.faults, "\n")
}
