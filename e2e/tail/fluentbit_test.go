package tail_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The scenarios of Fluent Bit's tests of in_tail.

func TestFluentBit_RotateWithWritersOnBothInodes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("first", 10)...)
	s.start()
	for turn := range 2 {
		old := s.writer("logs/a.log")
		defer old.Close()
		if turn > 0 {
			s.rename("logs/a.log.1", "logs/a.log.2")
		}
		s.rename("logs/a.log", "logs/a.log.1")
		for i := range 20 {
			s.say(old, fmt.Sprintf("turn %d old %d", turn, i))
			s.append("logs/a.log", fmt.Sprintf("turn %d new %d", turn, i))
		}
		s.settle()
		s.say(old, fmt.Sprintf("turn %d late", turn))
	}
	s.settle()
	s.look()
	s.finish()
}

func TestFluentBit_RotateThreeFilesAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start()
	for turn := range 3 {
		var old []*os.File
		for i := range 3 {
			name := fmt.Sprintf("logs/%d.log", i)
			s.append(name, fmt.Sprintf("file %d turn %d", i, turn))
			old = append(old, s.writer(name))
			s.rename(name, fmt.Sprintf("logs/%d.log.%d", i, turn))
		}
		for i, w := range old {
			s.say(w, fmt.Sprintf("file %d turn %d late", i, turn))
			require.NoError(t, w.Close())
		}
	}
	s.settle()
	s.look()
	s.finish()
}

// A writer that does not append goes on at its offset after a truncation and leaves a hole there,
// which reads as NUL bytes. They are bytes of the line, and it is in the sink as the file has it.
func TestFluentBit_CopyTruncateWriterKeepsItsOffset(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w, err := os.Create(s.path("logs/a.log"))
	require.NoError(t, err)
	defer w.Close()
	s.say(w, lines("before", 10)...)
	s.start()
	s.settle()
	s.copyTruncate("logs/a.log", "logs/a.log.1")
	_, err = w.WriteString("after the hole\n")
	require.NoError(t, err)
	s.expect("after the hole") // which is padding
	s.say(w, "after")
	s.settle()
	s.look()
	s.finish()
}

func TestFluentBit_CopyTruncateWriterAppends(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.writer("logs/a.log")
	defer w.Close()
	s.start()
	for turn := range 5 {
		s.say(w, lines(fmt.Sprintf("turn %d", turn), 10)...)
		s.copyTruncate("logs/a.log", fmt.Sprintf("logs/a.log.%d", turn))
	}
	s.say(w, "after")
	s.settle()
	s.look()
	s.finish()
}

func TestFluentBit_SymlinkSwitchedWhileOldTargetIsWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.paths = "[logs/current.log, logs/zz*.log]" })
	s.append("real/a", lines("a", 10)...)
	require.NoError(t, os.Symlink(s.path("real/a"), s.path("logs/current.log")))
	s.start()
	s.settle()
	s.append("real/b", lines("b", 10)...)
	s.switchLink("real/b", "logs/current.log")
	s.append("real/a", "late to a")
	s.settle()
	s.append("real/a", "later to a")
	s.append("real/b", "late to b")
	s.settle()
	s.look()
	s.finish()
}

// switchLink makes a link point to another file, in one step.
func (s *site) switchLink(target, link string) {
	s.Helper()
	require.NoError(s, os.Symlink(s.path(target), s.path("new-link")))
	s.rename("new-link", link)
}

// rotate_wait: a line that comes to a rotated file is read as soon as any other, not when the
// file is let go.
func TestFluentBit_LateLinesComeBeforeTheWaitEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.tail = "{poll_interval: 20ms, close_wait: 1h}" })
	w := s.writer("logs/a.log")
	defer w.Close()
	s.say(w, "first")
	s.start()
	s.settle()
	s.rename("logs/a.log", "logs/a.old")
	s.append("logs/a.log", "new")
	s.settle()
	s.say(w, "late")
	s.settle()
	s.finish()
}

func TestFluentBit_DeleteAndRecreate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start()
	for turn := range 10 {
		s.append("logs/a.log", fmt.Sprintf("incarnation %d", turn), "the same in each")
		s.settle()
		s.remove("logs/a.log")
	}
	s.look()
	s.finish()
}

// The same while the program is down, so that inodes are used again and it sees only the last file.
func TestFluentBit_DeleteAndRecreateWhileOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for turn := range 5 {
		s.append("logs/a.log", fmt.Sprintf("incarnation %d", turn), "the same in each")
		s.start()
		s.settle()
		s.stop()
		s.remove("logs/a.log")
	}
	s.start()
	s.look()
	s.finish()
}

func TestFluentBit_CopyTruncateAcrossRestart(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.append("logs/a.log", lines("a", 10)...)
			s.start()
			s.settle()
			end.by(s)
			s.append("logs/a.log", lines("while off", 10)...)
			s.copyTruncate("logs/a.log", "logs/a.log.1")
			s.append("logs/a.log", lines("longer than what was there before", 30)...)
			s.start()
			s.settle()
			s.look()
			s.finish()
		})
	}
}

func TestFluentBit_PartialLineAcrossRestart(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.append("logs/a.log", "whole")
			s.write("logs/a.log", "partial")
			s.start()
			s.settle()
			s.look()
			end.by(s)
			s.start()
			s.look()
			s.write("logs/a.log", " line\n")
			s.expect("partial line")
			s.settle()
			s.finish()
		})
	}
}

// compare_filename reads a renamed file anew there. A name is never what a file is known by here.
func TestFluentBit_RenamedFileIsNotReplayed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 10)...)
	s.start()
	s.settle()
	s.stop()
	s.rename("logs/a.log", "logs/b.log")
	s.start()
	s.look()
	s.append("logs/b.log", "to the new name")
	s.settle()
	s.finish()
}

// There is no upgrade of old ledgers so far; what is no ledger is refused, and the file kept.
func TestFluentBit_BadDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("a", 10)...)
	s.start()
	s.settle()
	s.stop()
	path := s.path("state/ledger.db")
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	bad := []byte(strings.Repeat("no ledger ", len(good)/10))
	require.NoError(t, os.WriteFile(path, bad, 0o600))
	code, _, stderr := s.run("tail", "-c", "ingest.yaml")
	require.Equal(t, 1, code, stderr)
	require.Contains(t, stderr, "ledger.db")
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, bad, have, "the file that was refused")
	s.remove("state/ledger.db")
	s.append("logs/a.log", "after")
	s.start()
	s.settle()
	s.look()
	s.finish()
}

// skip_long_lines drops, truncate_long_lines cuts. Here the line is in quarantine with every byte.
func TestFluentBit_LongLineKeepsItsNeighbours(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.format += "\n    max_record_bytes: 10000" })
	long := strings.Repeat("y", 10_000)
	s.append("logs/a.log", "before", long, "between")
	s.write("logs/a.log", long+"z\n")
	s.append("logs/a.log", "after")
	s.raw = []string{long, "z\n"}
	s.start()
	s.settle()
	s.finish()
}

func TestFluentBit_StaticGzip(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, suffix := range []string{".gz", ".zst"} {
		s.append("logs/a"+suffix+".log", lines("in a"+suffix, 1000)...)
		s.compress("logs/a"+suffix+".log", suffix)
	}
	s.start()
	s.settle()
	s.look()
	s.finish()
}

func TestFluentBit_ExcludePath(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.exclude = "[logs/**/*.tmp, logs/no/**]" })
	s.append("logs/a.log", "wanted")
	s.write("logs/a.log.tmp", "not wanted\n")
	s.write("logs/no/b.log", "not wanted either\n")
	s.start()
	s.settle()
	s.look()
	s.finish()
}

// ignore_older leaves old files out. Nothing does here: a line is not lost for its file's age.
func TestFluentBit_OldFileIsNotIgnored(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", "old")
	long := aYearAgo()
	require.NoError(t, os.Chtimes(s.path("logs/a.log"), long, long))
	s.start()
	s.settle()
	s.finish()
}

func TestFluentBit_PermissionRestoredLater(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.asNobody()
	s.append("logs/a.log", "a")
	s.append("logs/b.log", "b")
	require.NoError(t, os.Chmod(s.path("logs/a.log"), 0))
	s.start()
	s.await(func() (bool, string) { return s.rows()["b"] > 0, "the line that may be read" })
	s.look()
	require.Zero(t, s.rows()["a"])
	require.NoError(t, os.Chmod(s.path("logs/a.log"), 0o644))
	s.settle()
	s.finish()
}

// asNobody lets the program run as one who may not read everything, as root may.
func (s *site) asNobody() {
	s.Helper()
	if os.Getuid() != 0 {
		return
	}
	s.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	for dir := s.root; strings.HasPrefix(filepath.Base(filepath.Dir(dir)), "Test"); {
		dir = filepath.Dir(dir)
		require.NoError(s, os.Chmod(dir, 0o755))
	}
	require.NoError(s, os.Chown(s.root, nobody, nobody))
}

// A batch that waits in the spool and is damaged there never gets to the sink like that.
func TestFluentBit_CorruptedChunkOnStart(t *testing.T) {
	t.Parallel()
	s := newCloudSite(t)
	s.append("logs/a.log", "before")
	s.start()
	s.settle()
	s.awaitShipped()
	s.server.Kill()
	s.append("logs/a.log", lines("a", 100)...)
	spooled := s.awaitSpool()
	s.kill()
	for _, path := range spooled {
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		body[len(body)/2] ^= 0x55
		require.NoError(t, os.WriteFile(path, body, 0o600))
	}
	s.server.Restart(t)
	s.start()
	s.settle()
	s.finish()
}
