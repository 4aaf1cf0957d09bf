package tail_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tests of what is truly gone: it is declared, once, and nothing else is.

// blocked is a site whose spool is full: the first batch of a file with these lines waits in it,
// and no more is sealed.
func blocked(t *testing.T, lines ...string) *cloudSite {
	s := newCloudSite(t, func(c *settings) {
		c.batch = "{max_bytes: 4KiB, max_age: 200ms}"
		c.spool = "1KiB" // one batch may always pass it
		c.tail = "{poll_interval: 20ms, close_wait: 300ms, copy_wait: 1s}"
	})
	s.append("logs/a.log", "before")
	s.start()
	s.settle()
	s.awaitShipped()
	s.wire.Down()
	s.append("logs/a.log", lines...)
	s.awaitSpool()
	return s
}

// A loss is declared of bytes that the program knew of: it had seen the size, and was killed before
// it could read so far.
func TestLoss_SeenAndDeletedWhileDown(t *testing.T) {
	t.Parallel()
	first := lines("some are sealed", 2000) // more than a batch, so the rest of the file is a backlog
	s := blocked(t, first...)
	s.requirePaused() // the ledger has the first batch, and with that how long the file is
	s.kill()
	s.remove("logs/a.log")
	s.wire.Up(t)
	s.start()
	s.settleLost("deleted")
	s.awaitShipped()
	rows := s.rows()
	require.Positive(t, rows[first[0]], "what was sealed")
	require.Zero(t, rows[first[len(first)-1]], "what was not")
	for _, line := range first {
		s.want[line] = rows[line]
	}
	s.look()
	s.finish()
}

// What was declared lost and turns up after all takes the loss back.
func TestLoss_TurnsUpAfterAll(t *testing.T) {
	t.Parallel()
	s := blocked(t, lines("all of them", 2000)...)
	s.requirePaused()
	s.kill()
	s.rename("logs/a.log", "hidden")
	s.wire.Up(t)
	s.start()
	s.settleLost("deleted")
	s.rename("hidden", "logs/b.log")
	s.settle()
	s.stop()
	r := s.verify()
	require.Empty(t, r.Lost, "verify subtracts what there is after all")
	require.Empty(t, lacking(s.rows(), s.want), "lines that are there too often")
}

// The spool is lost with a batch that was sealed, and the file is gone: its place in the bucket
// holds the loss.
func TestLoss_SpoolAndFileGone(t *testing.T) {
	t.Parallel()
	s := blocked(t, lines("sealed", 3)...)
	s.kill()
	require.NoError(t, os.RemoveAll(s.path("state/spool")))
	s.remove("logs/a.log")
	for _, line := range lines("sealed", 3) {
		delete(s.want, line)
	}
	s.wire.Up(t)
	s.start()
	s.settleLost("deleted")
	s.look()
	s.finish()
}

// The same, but the file is there: it is sealed again.
func TestLoss_SpoolGoneFileThere(t *testing.T) {
	t.Parallel()
	s := blocked(t, lines("sealed", 3)...)
	s.kill()
	require.NoError(t, os.RemoveAll(s.path("state/spool")))
	s.wire.Up(t)
	s.start()
	s.settle()
	s.look()
	s.finish()
}

// A backlog that the program has seen and not read yet is truncated.
func TestLoss_TruncatedBeforeItWasRead(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) {
		c.tail = "{poll_interval: 20ms, close_wait: 300ms, copy_wait: 1s}"
		c.batch = "{max_bytes: 4KiB, max_age: 200ms}"
	})
	first := lines("some come out", 100_000)
	s.write("logs/a.log", strings.Join(first, "\n")+"\n")
	s.start()
	s.await(func() (bool, string) { return s.rows()[first[0]] > 0, first[0] })
	s.freeze()
	s.truncate("logs/a.log")
	s.append("logs/a.log", "after")
	s.thaw()
	s.settleLost("truncated")
	rows := s.rows()
	require.Zero(t, rows[first[len(first)-1]], "all came out before the truncation")
	s.settle()
	s.look()
	s.stop()
	rows = s.rows()
	for _, line := range first { // also what was read and not sealed yet
		require.LessOrEqual(t, rows[line], 1, line)
		s.want[line] = rows[line]
	}
	s.exact()
}
