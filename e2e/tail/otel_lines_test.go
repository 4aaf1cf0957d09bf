package tail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An unended line is a record only when its file cannot grow any more, not after some time.
func TestOtel_NoNewline(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.tail = "{poll_interval: 20ms, close_wait: 300ms}" })
	s.append("logs/a.log", "one")
	s.write("logs/a.log", "two")
	s.start()
	s.look()
	require.Zero(t, s.rows()["two"], "half a line came out")
	s.remove("logs/a.log")
	s.expect("two")
	s.settle()
	s.finish()
}

func TestOtel_SplitWrite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("logs/a.log", "in two ")
	s.start()
	s.look()
	s.write("logs/a.log", "writes\n")
	s.expect("in two writes")
	s.settle()
	s.finish()
}

// Blank lines are counted as skipped and are no rows.
func TestOtel_EmptyLines(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("logs/a.log", "\n\none\n\n\n\ntwo\n\n")
	s.write("logs/b.log", "\n")
	s.expect("one", "two")
	s.start()
	s.settle()
	s.write("logs/b.log", "\n\nthree\n")
	s.expect("three")
	s.settle()
	s.finish()
	skipped := 0
	for _, c := range s.lake.read(s) {
		skipped += c.Skipped
	}
	require.Equal(t, 6+3, skipped)
}

// Only UTF-8 is read. Whatever else a file has ends in quarantine, byte by byte.
func TestOtel_Encodings(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"invalid":  "good \xff\xfe line\n",
		"utf16-le": "\xff\xfeh\x00i\x00\n\x00",
		"utf16-be": "\xfe\xff\x00h\x00i\x00\n",
		"big5":     "\xa4@\xa4G\xa4T\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *settings) {
				c.format = "regex: '(?P<line>[ -~]*)'"
				c.tail = "{poll_interval: 20ms, close_wait: 300ms}"
			})
			s.append("logs/a.log", "before")
			s.write("logs/a.log", text)
			s.start()
			s.settle()
			s.remove("logs/a.log") // so that what follows the last newline comes out, too
			s.awaitBytes(len("before\n") + len(text))
			s.raw = s.rejects()
			// A NUL at the start of a line is padding.
			require.Equal(t, strings.TrimSuffix(text, "\x00"), strings.Join(inOrder(s), ""))
			s.finish()
		})
	}
}

// awaitBytes waits until all batches together have so many bytes.
func (s *site) awaitBytes(want int) {
	s.Helper()
	s.await(func() (bool, string) {
		have := 0
		for _, c := range s.lake.read(s) {
			if c.Kind == "" {
				have += int(*c.End - c.Start)
			}
		}
		return have == want, fmt.Sprintf("%d bytes, want %d", have, want)
	})
}

// inOrder are the rejects of the only source.
func inOrder(s *site) (raw []string) {
	at := map[int64]string{}
	last := int64(0)
	for _, c := range s.lake.read(s) {
		for _, r := range c.rejects {
			at[r.offset] = r.text
			last = max(last, r.offset)
		}
	}
	for i := range last + 1 {
		if text, ok := at[i]; ok {
			raw = append(raw, text)
		}
	}
	return raw
}

// 4097 bytes are more than a buffer of some collectors and no more than a line of this one.
func TestOtel_DecodeBufferIsResized(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", "before", strings.Repeat("x", 4097), "after")
	s.start()
	s.settle()
	s.finish()
}

// A record is split at max_record_bytes; its parts are rejects with all their bytes.
func TestOtel_MaxLogSize(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *settings) { c.format += "\n    max_record_bytes: 4KiB" })
	s.append("logs/a.log", "before")
	s.write("logs/a.log", strings.Repeat("x", 10_000)+"\n")
	s.append("logs/a.log", "after")
	s.raw = []string{strings.Repeat("x", 4096), strings.Repeat("x", 4096),
		strings.Repeat("x", 10_000-8192) + "\n"}
	s.start()
	s.settle()
	s.finish()
}
