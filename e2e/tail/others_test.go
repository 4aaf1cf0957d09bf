package tail_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The scenarios of fluentd's in_tail, rsyslog's imfile and nxadm/tail.

func TestFluentd_MoveTruncateMoveBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 10)...)
	s.start()
	s.settle()
	s.rename("logs/a.log", "logs/a.moved")
	s.look()
	s.truncate("logs/a.moved")
	s.look()
	s.rename("logs/a.moved", "logs/a.log")
	s.append("logs/a.log", "back again")
	s.settle()
	s.look()
	s.finish()
}

func TestFluentd_RotateFileWithWriteOldAndNoNewFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.writer("logs/a.log")
	defer w.Close()
	s.say(w, lines("a", 10)...)
	s.start()
	s.settle()
	s.rename("logs/a.log", "logs/a.moved")
	for i := range 3 {
		s.say(w, fmt.Sprintf("to the old file %d", i))
		s.settle()
	}
	s.look()
	s.finish()
}

func TestFluentd_SameNameOtherInode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 10)...)
	s.start()
	s.settle()
	s.append("b.log", lines("b", 10)...)
	s.rename("b.log", "logs/a.log") // over the other, which goes
	s.append("logs/a.log", "after")
	s.settle()
	s.look()
	s.finish()
}

// Files and folders come, go and come back after the program was set up.
func TestFluentd_MissingAfterSetUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/sub/a.log", lines("a", 10)...)
	s.start()
	s.settle()
	s.rename("logs/sub", "gone")
	s.look()
	s.append("logs/sub/b.log", lines("b", 10)...)
	s.settle()
	require.NoError(t, os.RemoveAll(s.path("logs/sub")))
	s.rename("gone", "logs/sub")
	s.append("logs/sub/a.log", "back again")
	s.settle()
	s.look()
	s.finish()
}

func TestRsyslog_LogrotateMultiple(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start()
	const keep = 3
	for turn := range 6 {
		s.append("logs/a.log", lines(fmt.Sprintf("turn %d", turn), 100)...)
		s.settle() // so that nothing unread is removed
		for i := min(turn, keep); i > 0; i-- {
			s.rename(fmt.Sprintf("logs/a.log.%d", i-1), fmt.Sprintf("logs/a.log.%d", i))
		}
		s.rename("logs/a.log", "logs/a.log.0")
	}
	s.append("logs/a.log", "last")
	s.settle()
	s.look()
	s.finish()
}

func TestRsyslog_RenameWhileStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 10)...)
	s.start()
	s.settle()
	s.stop()
	s.append("logs/a.log", "unread")
	s.rename("logs/a.log", "logs/a.log.1")
	s.start()
	s.settle()
	s.append("logs/a.log", "new")
	s.settle()
	s.look()
	s.finish()
}

// A state that is lost is filled from the sink, whatever the files are called by then.
func TestRsyslog_NoStateFile(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"state", "state/ledger.db", "state/spool"} {
		t.Run(strings.ReplaceAll(part, "/", "-"), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.append("logs/a.log", lines("a", 10)...)
			s.append("logs/b.log", lines("b", 10)...)
			s.start()
			s.settle()
			s.kill()
			require.NoError(t, os.RemoveAll(s.path(part)))
			s.rename("logs/a.log", "logs/c.log")
			s.append("logs/c.log", "after")
			s.start()
			s.settle()
			s.append("logs/b.log", "after, too")
			s.settle()
			s.look()
			s.finish()
		})
	}
}

// A state from before is one that forgot the last batches.
func TestRsyslog_OldStateFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 10)...)
	s.start()
	s.settle()
	s.stop()
	require.NoError(t, os.CopyFS(s.path("old"), os.DirFS(s.path("state"))))
	s.append("logs/a.log", lines("more", 10)...)
	s.append("logs/b.log", lines("b", 10)...)
	s.start()
	s.settle()
	s.stop()
	require.NoError(t, os.RemoveAll(s.path("state")))
	s.rename("old", "state")
	s.append("logs/a.log", "after")
	s.start()
	s.settle()
	s.look()
	s.finish()
}

// Offsets beyond 31 bits: most of the file is a hole, which is one line too long for a record.
func TestRsyslog_LargeFileIsTruncated(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.startAt = "end" })
	name := s.path("logs/a.log")
	s.write("logs/a.log", "the first line\n")
	require.NoError(t, os.Truncate(name, 2<<30))
	s.write("logs/a.log", "\n")
	s.start()
	s.settleLost("not_wanted")
	s.append("logs/a.log", "beyond 2 GiB")
	s.settle()
	s.truncate("logs/a.log")
	s.append("logs/a.log", "from the start again")
	s.settle()
	s.look()
	s.finish()
}

func TestNxadm_IncompleteLinesWithReopens(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.tail = "{poll_interval: 20ms, close_wait: 300ms}" })
	s.append("logs/a.log", "hello world", "hi")
	s.write("logs/a.log", "half a line, then it is gone")
	s.start()
	s.settle()
	s.look()
	s.rename("logs/a.log", "gone.log")
	s.append("logs/a.log", "rewind", "hello again")
	s.expect("half a line, then it is gone")
	s.settle()
	s.look()
	s.finish()
}

func TestNxadm_Over4096ByteLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", "hello", strings.Repeat("a", 4097), "world")
	s.start()
	s.settle()
	s.finish()
}

func TestNxadm_WaitForCreateThenMove(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	require.NoError(t, os.RemoveAll(s.path("logs")))
	s.start()
	s.append("logs/deep/er/a.log", "created")
	s.settle()
	s.rename("logs/deep/er/a.log", "logs/deep/a.log")
	s.append("logs/deep/a.log", "moved")
	s.settle()
	s.look()
	s.finish()
}
