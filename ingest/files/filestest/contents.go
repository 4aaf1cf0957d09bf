package filestest

import (
	"bytes"
	"fmt"
	"strings"

	"logseal/ingest/source"
)

// SameHead gives a log of n lines with a tag of its own after a first line that all such logs have.
func SameHead(tag string, n int) []byte {
	b := bytes.NewBufferString("h0\n")
	for i := range n {
		fmt.Fprintf(b, "%s%07d\n", tag, i)
	}
	return b.Bytes()
}

// Lines gives one line n times.
func Lines(line string, n int) string { return strings.Repeat(line+"\n", n) }

// GzipText is Gzip of texts.
func GzipText(parts ...string) []byte {
	all := make([][]byte, len(parts))
	for i, p := range parts {
		all[i] = []byte(p)
	}
	return Gzip(all...)
}

// Marks gives the standard marks of a log within (start, end).
func Marks(content []byte, start, end int64) (ms []source.Mark) {
	for off := source.NextMark(start); off < end; off = source.NextMark(off) {
		ms = append(ms, source.Mark{Offset: off, Chain: source.DigestOf(content[:off])})
	}
	return ms
}
