package main

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"logseal/ingest/batch"
	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// newReader reads a file from its start to its end as one range.
func newReader(ctx context.Context, f *files.File, maxRecord int, part files.PartFunc) (
	*files.Reader, error) {
	r, err := f.ReaderOf(ctx, source.Origin(), maxRecord, part)
	if err != nil {
		return nil, err
	}
	r.Begin(0, 0)
	return r, nil
}

// chunk counts what a chunk holds.
func (t *trial) chunk(c source.Chunk) {
	t.res.Bytes += int64(len(c.Data))
	switch c.Kind {
	case source.ByteOrderMark, source.Padding:
		t.res.SkippedBytes += int64(len(c.Data))
	case source.TooLong, source.Continued:
		reason := parse.TooLong
		if c.Kind == source.Continued {
			reason = parse.Continued
		}
		t.reject(c, parse.Reject{Offset: c.Offset, Raw: c.Data, Reason: reason})
	case source.Lines:
		batch.Parse(t.parser, t.partition, c, &t.table)
		t.res.Rows += int64(t.table.Rows())
		t.res.Records += int64(t.table.Rows())
		t.res.Skipped += t.table.SkippedLines
		t.res.SkippedBytes += t.table.SkippedBytes
		t.firstRows(c)
		for _, x := range t.table.Rejects {
			t.reject(c, x)
		}
	}
	t.line += int64(bytes.Count(c.Data, []byte("\n")))
}

func (t *trial) reject(c source.Chunk, x parse.Reject) {
	t.res.Records++
	t.res.Rejects++
	t.res.Reasons[x.Reason]++
	kind := rejectKind{x.Reason, x.Field}
	if t.res.ofEach[kind]++; t.res.ofEach[kind] > rejectsOfEach ||
		len(t.res.FirstRejects) == firstRejectsMax {
		return
	}
	out := rejectJSON{Path: t.path, Offset: x.Offset, Reason: x.Reason, Field: x.Field,
		Detail: x.Detail}
	out.Line = t.line + int64(bytes.Count(c.Data[:x.Offset-c.Offset], []byte("\n")))
	line := x.Raw
	if c.Kind == source.Lines {
		// What Explain says of one run of a record's lines need not be why the record is a reject.
		if at, why, ok := t.parser.Explain(x.Raw); ok && why.Reason == x.Reason {
			out.At, out.Field = at, why.Field
			if !t.parser.Joins() {
				out.Detail = why.Detail
			}
			line = out.goTo(line)
		}
	}
	out.Text, out.caret = around(source.TrimLineEnd(line), out.At)
	t.res.FirstRejects = append(t.res.FirstRejects, out)
}

// goTo goes to the line of the failing byte of a record of several lines, and gives that.
func (x *rejectJSON) goTo(lines []byte) []byte {
	at := min(x.At, len(lines))
	if start := bytes.LastIndexByte(lines[:at], '\n') + 1; start < len(lines) {
		x.Line += int64(bytes.Count(lines[:start], []byte("\n")))
		x.Offset += int64(start)
		x.At -= start
		lines = lines[start:]
	}
	if end := bytes.IndexByte(lines, '\n'); end >= 0 {
		lines = lines[:end+1]
	}
	return lines
}

// contextWidth is how many bytes of a line are shown on either side of the failing one.
const contextWidth = 60

// around shows the line about the byte at, printable, and in which column of that the byte is.
func around(line []byte, at int) (text string, column int) {
	at = min(at, len(line))
	lo, hi := max(0, at-contextWidth), min(len(line), at+contextWidth)
	for lo > 0 && lo < at && !utf8.RuneStart(line[lo]) {
		lo++
	}
	for hi < len(line) && hi > at && !utf8.RuneStart(line[hi]) {
		hi--
	}
	before, after := printable(line[lo:at]), printable(line[at:hi])
	if lo > 0 {
		before = "…" + before
	}
	if hi < len(line) {
		after += "…"
	}
	return before + after, utf8.RuneCountInString(before)
}

// printable writes b so that every character takes one column and none does harm: what is not
// printable, or no UTF-8, is escaped.
func printable(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			out.WriteString(`\x` + hexByte(b[0]))
		case unicode.IsGraphic(r):
			out.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			out.WriteString(q[1 : len(q)-1])
		}
		b = b[n:]
	}
	return out.String()
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}
