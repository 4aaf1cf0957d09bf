package tail

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf16"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"

	"github.com/stretchr/testify/require"
)

func inUTF16(s string) (b []byte) {
	for _, c := range utf16.Encode([]rune(s)) {
		b = append(b, byte(c), byte(c>>8))
	}
	return b
}

// What is no text is a problem for as long as it is there and stays so, and nothing of it is sealed; the
// others go on. What is text by then is read.
func TestTail_WhatIsNoTextIsSaid(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		no := map[string][]byte{
			"/logs/in16":    inUTF16("x1\nx2\n"),
			"/logs/a.xz":    []byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46"),
			"/logs/a.gz.gz": filestest.Gzip(filestest.Gzip([]byte("x1\n"))),
			"/logs/b.gz":    bytes.Repeat([]byte{0}, 200<<10),
		}
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		for path, b := range no {
			p.fs.Write(path, b[:3])
		}
		p.pass(10 * time.Second)
		for path, b := range no {
			p.fs.Append(path, b[3:])
		}
		p.pass(20 * time.Minute)
		var told []string
		for _, x := range p.tail.Status().Problems {
			require.Equal(t, commit.Unsupported, x.Kind)
			require.Contains(t, x.Message, "nothing of it was sealed")
			told = append(told, x.Path)
		}
		require.Equal(t, []string{"/logs/a.gz.gz", "/logs/a.xz", "/logs/b.gz", "/logs/in16"}, told)
		p.wantLines("a1")
		p.finish()
		p.start()
		p.pass(time.Minute)
		require.Len(t, p.tail.Status().Problems, 4)

		p.fs.Truncate("/logs/in16", 0)
		p.fs.Append("/logs/in16", []byte("b1\n"))
		p.fs.Remove("/logs/b.gz")
		p.fs.Remove("/logs/a.gz.gz")
		p.pass(20 * time.Minute)
		require.Len(t, p.tail.Status().Problems, 1)
		p.fs.Remove("/logs/a.xz")
		p.pass(20 * time.Minute)
		require.Empty(t, p.tail.Status().Problems)
		p.finish()
		p.wantLines("a1", "b1")
		require.Empty(t, p.losses())
		p.verify()
	})
}
