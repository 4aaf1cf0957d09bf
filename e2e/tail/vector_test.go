package tail_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The scenarios of Vector's file source.

func TestVector_FileTruncate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("pre-truncation", 5)...)
	s.start()
	s.settle()
	s.truncate("logs/a.log")
	s.look()
	s.append("logs/a.log", lines("post-truncation", 5)...)
	s.settle()
	s.look()
	s.finish()
}

func TestVector_FileRotate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("prerot", 5)...)
	s.start()
	s.settle()
	s.rename("logs/a.log", "archive/a.log")
	s.append("logs/a.log", lines("postrot", 5)...)
	s.settle()
	s.look()
	s.finish()
}

// What the sink has not acknowledged when the program dies comes out after a restart, what it has
// does not come again.
func TestVector_RestartUnacknowledged(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("file-gone-%v", gone), func(t *testing.T) {
			t.Parallel()
			s := newCloudSite(t)
			s.append("logs/a.log", lines("acknowledged", 10)...)
			s.start()
			s.settle()
			s.awaitShipped()
			s.server.Kill()
			s.append("logs/a.log", lines("unacknowledged", 10)...)
			s.awaitSpool()
			s.kill()
			if gone {
				s.remove("logs/a.log")
			}
			s.start()
			s.server.Restart(t)
			s.settle()
			s.look()
			s.finish()
		})
	}
}

func TestVector_RestartUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.start()
	for turn := range 6 {
		for i := range 50 {
			s.append("logs/a.log", fmt.Sprintf("turn %d line %d", turn, i))
		}
		end := ends[turn%2].by
		if turn%3 == 0 {
			s.settle()
		}
		end(s)
		s.append("logs/a.log", fmt.Sprintf("while off after turn %d", turn))
		s.start()
	}
	s.settle()
	s.look()
	s.finish()
}

func TestVector_RotationWhileStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", lines("first", 10)...)
	s.start()
	s.settle()
	s.stop()
	s.rename("logs/a.log", "logs/a.log.old")
	s.append("logs/a.log", lines("second", 10)...)
	s.start()
	s.settle()
	s.look()
	s.finish()
}

func TestVector_FileMaxLineBytes(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.format += "\n    max_record_bytes: 1000" })
	exact, over := strings.Repeat("e", 1000), strings.Repeat("o", 1001)
	s.append("logs/a.log", "short", exact)
	s.write("logs/a.log", over+"\n")
	s.append("logs/a.log", "next")
	huge := strings.Repeat("h", 1_700_000)
	s.write("logs/a.log", huge+"\n")
	s.append("logs/a.log", "last")
	s.raw = []string{over[:1000], "o\n"}
	for range 1699 {
		s.raw = append(s.raw, huge[:1000])
	}
	s.raw = append(s.raw, huge[:1000]+"\n")
	s.start()
	s.settle()
	s.finish()
}

func TestVector_SplitReads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	text := strings.Join(lines("byte by byte", 20), "\n") + "\n"
	s.expect(lines("byte by byte", 20)...)
	s.start()
	for i := range text {
		s.write("logs/a.log", text[i:i+1])
	}
	s.settle()
	s.finish()
}

// A gzip file is read whole, also when it was made of several, and only once.
func TestVector_GzipMembers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("one.log", lines("one", 10)...)
	s.append("two.log", lines("two", 10)...)
	s.compress("one.log", ".gz")
	s.compress("two.log", ".gz")
	var both []byte
	for _, name := range []string{"one.log.gz", "two.log.gz"} {
		b, err := os.ReadFile(s.path(name))
		require.NoError(t, err)
		both = append(both, b...)
	}
	require.NoError(t, os.WriteFile(s.path("logs/both.log.gz"), both, 0o644))
	s.start()
	s.settle()
	s.again(s.stop)
	s.look()
	s.finish()
}

// The CR of a CRLF comes in one write, the LF in the next.
func TestVector_DelimiterAcrossReads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("logs/a.log", "one\r\ntwo\r")
	s.expect("one")
	s.start()
	s.settle()
	s.look()
	s.write("logs/a.log", "\nthree\r\n")
	s.expect("two", "three")
	s.settle()
	s.finish()
}

// A file is known by what it says, not by its inode: that is the same after it was written anew.
func TestVector_SameInodeOtherContent(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.append("logs/a.log", lines("old", 10)...)
			s.start()
			s.settle()
			end.by(s)
			s.truncate("logs/a.log")
			s.append("logs/a.log", lines("of other content but the same inode", 10)...)
			s.start()
			s.settle()
			s.look()
			s.finish()
		})
	}
}

// And it is known by all of it, not by its first line.
func TestVector_SameFirstLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	header := strings.Repeat("the same header ", 100)
	s.start()
	for i := range 5 {
		s.append(fmt.Sprintf("logs/%d.log", i), header, fmt.Sprintf("of file %d", i))
	}
	s.settle()
	for i := range 5 {
		s.append(fmt.Sprintf("logs/%d.log", i), fmt.Sprintf("more of file %d", i))
	}
	s.settle()
	s.again(s.kill)
	for i := range 5 {
		s.append(fmt.Sprintf("logs/%d.log", i), fmt.Sprintf("yet more of file %d", i))
	}
	s.settle()
	s.look()
	s.finish()
}
