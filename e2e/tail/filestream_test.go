package tail_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The scenarios of the filestream input of Beats.

// Output is blocked while the file is truncated: what was read before is in memory or in the spool.
func TestFilestream_TruncateBlockedOutput(t *testing.T) {
	t.Parallel()
	s := newCloudSite(t)
	s.start()
	s.look()
	s.awaitShipped()
	s.wire.Down()
	s.append("logs/a.log", lines("before", 100)...)
	s.awaitSpool()
	s.truncate("logs/a.log")
	s.append("logs/a.log", lines("after", 10)...)
	s.wire.Up(t)
	s.settle()
	s.look()
	s.finish()
}

// Between two looks the file is truncated and grows beyond what it had.
func TestFilestream_TruncateBigScannerInterval(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.tail = "{poll_interval: 3s}" })
	s.append("logs/a.log", lines("old", 10)...)
	s.start()
	s.settle()
	s.truncate("logs/a.log")
	s.append("logs/a.log", lines("new and longer than what there was before", 50)...)
	s.settle()
	s.look()
	s.finish()
}

func TestFilestream_TruncateWithSymlink(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.paths = "[logs/link.log, logs/real.log, logs/zz*]" })
	s.append("logs/real.log", lines("old", 10)...)
	require.NoError(t, os.Symlink("real.log", s.path("logs/link.log")))
	s.start()
	s.settle()
	s.truncate("logs/link.log")
	s.append("logs/link.log", "by the link")
	s.append("logs/real.log", "by the name")
	s.settle()
	s.look()
	s.finish()
}

func TestFilestream_SymlinkRotated(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.paths = "[logs/link.log, logs/zz*]" })
	for i := range 3 {
		name := fmt.Sprintf("real-%d.log", i)
		s.append(name, lines(name, 10)...)
		s.switchLink(name, "logs/link.log")
		if i == 0 {
			s.start()
		}
		s.settle()
	}
	s.remove("logs/link.log")
	s.append("real-2.log", "late")
	s.settle()
	s.look()
	s.finish()
}

// A file that was rotated and removed is let go once it was still for close_wait, and all of it
// came out.
func TestFilestream_CloseAfterIntervalRotatedAndRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.tail = "{poll_interval: 20ms, close_wait: 300ms}" })
	w := s.writer("logs/a.log")
	defer w.Close()
	s.say(w, lines("a", 10)...)
	s.start()
	s.settle()
	s.rename("logs/a.log", "logs/a.log.1")
	s.say(w, "after the rename")
	s.settle()
	s.remove("logs/a.log.1")
	s.say(w, "after the removal")
	s.settle()
	s.letGo(w)
	s.finish()
}

// letGo waits until the program has a file open no more.
func (s *site) letGo(f *os.File) {
	s.Helper()
	want, err := f.Stat()
	require.NoError(s, err)
	folder := fmt.Sprintf("/proc/%d/fd/", s.child.cmd.Process.Pid)
	s.await(func() (bool, string) {
		open, _ := os.ReadDir(folder)
		for _, fd := range open {
			if have, err := os.Stat(folder + fd.Name()); err == nil && os.SameFile(want, have) {
				return false, f.Name() + " is open"
			}
		}
		return true, ""
	})
}

// The writer is faster than the file is let go, and never stops.
func TestFilestream_RotatingCloseInactiveLargerWriteRate(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.tail = "{poll_interval: 20ms, close_wait: 50ms}" })
	s.start()
	w := s.writer("logs/a.log")
	defer func() { w.Close() }()
	for turn := range 10 {
		s.say(w, lines(fmt.Sprintf("turn %d", turn), 200)...)
		s.rename("logs/a.log", fmt.Sprintf("logs/a.log.%d", turn))
		s.say(w, fmt.Sprintf("late in turn %d", turn))
		w.Close()
		w = s.writer("logs/a.log")
	}
	s.settle()
	s.look()
	s.finish()
}

// A byte order mark of UTF-8 is skipped at the start of a file, and belongs to the line elsewhere.
func TestFilestream_BOMs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("logs/a.log", "\ufeffone\n\ufefftwo\n")
	s.expect("one", "two")
	s.start()
	s.settle()
	s.finish()
}

func TestFilestream_DecodeError(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", "before")
	s.write("logs/a.log", "\xff\xff\xff\n")
	s.append("logs/a.log", "after")
	s.raw = []string{"\xff\xff\xff\n"}
	s.start()
	s.settle()
	s.append("logs/a.log", "long after")
	s.settle()
	s.finish()
}

func TestFilestream_ExceedBuffer(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.batch = "{max_bytes: 4KiB, max_age: 200ms}" })
	s.append("logs/a.log", "first", strings.Repeat("x", 300_000), "last")
	s.start()
	s.settle()
	s.finish()
}

// The copy and the truncation are seen in one, two or three steps.
func TestFilestream_CopyTruncateInSteps(t *testing.T) {
	t.Parallel()
	for steps := 1; steps <= 3; steps++ {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.append("logs/a.log", lines("a", 100)...)
			s.start()
			s.settle()
			s.append("logs/a.log", "the last before")
			body, err := os.ReadFile(s.path("logs/a.log"))
			require.NoError(t, err)
			half := len(body) / 2
			s.write("logs/a.log.1", string(body[:half]))
			if steps >= 3 {
				s.look()
			}
			s.write("logs/a.log.1", string(body[half:]))
			if steps >= 2 {
				s.look()
			}
			s.truncate("logs/a.log")
			if steps >= 2 {
				s.look()
			}
			s.append("logs/a.log", "the first after")
			s.settle()
			s.look()
			s.finish()
		})
	}
}

// A folder that may not be read is no folder whose files are gone.
func TestFilestream_UnreadableFolder(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *settings) {
				c.tail = "{poll_interval: 20ms, close_wait: 100ms, copy_wait: 1s}"
			})
			s.asNobody()
			s.append("logs/sub/a.log", lines("a", 10)...)
			s.start()
			s.settle()
			require.NoError(t, os.Chmod(s.path("logs/sub"), 0))
			s.look()
			end.by(s)
			require.NoError(t, os.Chmod(s.path("logs/sub"), 0o755))
			s.append("logs/sub/a.log", "while off")
			require.NoError(t, os.Chmod(s.path("logs/sub"), 0))
			s.start()
			s.look()
			require.NoError(t, os.Chmod(s.path("logs/sub"), 0o755))
			s.append("logs/sub/a.log", "after")
			s.settle()
			s.look()
			s.finish()
		})
	}
}

// A compressed file that is still being written comes out whole in the end, and once.
func TestFilestream_GzipGrowsAndIsDrained(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{".gz", ".zst"} {
		t.Run(suffix, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.append("out.log", lines("packed", 20_000)...)
			s.compress("out.log", suffix)
			packed, err := os.ReadFile(s.path("out.log" + suffix))
			require.NoError(t, err)
			s.start()
			name := "logs/a.log" + suffix
			for i := range 4 {
				s.write(name, string(packed[i*len(packed)/4:(i+1)*len(packed)/4]))
				s.look()
			}
			s.settle()
			s.remove(name)
			s.look()
			s.finish()
		})
	}
}

// A rotated file is compressed, while the program runs and while it does not.
func TestFilestream_RotatedFileIsCompressed(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{".gz", ".zst"} {
		for _, off := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s-off-%v", suffix, off), func(t *testing.T) {
				t.Parallel()
				s := newSite(t)
				s.append("logs/a.log", lines("a", 1000)...)
				s.start()
				s.settle()
				if off {
					s.kill()
				}
				s.append("logs/a.log", lines("more", 1000)...)
				s.rename("logs/a.log", "logs/a.log.1")
				s.append("logs/a.log", "new")
				s.compress("logs/a.log.1", suffix)
				if off {
					s.start()
				}
				s.settle()
				s.look()
				s.finish()
			})
		}
	}
}
