package dryrun

import (
	"bytes"
	"context"
	"errors"
	"io"

	"logseal/ingest/batch"
	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// Run parses the files of one stream as a load does, and drops the rows.
type Run struct {
	FS        files.FS
	Parser    *parse.Parser
	Partition batch.Granularity
	Columns   []parse.Column
	MaxRecord int
}

// run is what Run does with one file.
type run struct {
	*Run
	path  string
	res   *Result
	line  int64 // number of the line at the next chunk's start
	table parse.Table
}

// File adds the records of a file to the result. Records that were read before an error count. The file
// counts too, if it was read whole, is damaged or is no log.
func (d *Run) File(ctx context.Context, path string, res *Result) error {
	t := &run{Run: d, path: path, res: res, line: 1}
	err := t.read(ctx)
	if err == nil || errors.As(err, new(*files.CorruptError)) || errors.As(err, new(*files.UnsupportedError)) {
		res.Files++
	}
	return err
}

func (t *run) read(ctx context.Context) error {
	f, err := files.Open(t.FS, t.path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := newReader(ctx, f, t.MaxRecord, t.Parser.Parts())
	if err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		t.chunk(c)
	}
}

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
func (t *run) chunk(c source.Chunk) {
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
		batch.Parse(t.Parser, t.Partition, c, &t.table)
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

func (t *run) reject(c source.Chunk, x parse.Reject) {
	t.res.Records++
	t.res.Rejects++
	t.res.Reasons[x.Reason]++
	kind := rejectKind{x.Reason, x.Field}
	if t.res.ofEach[kind]++; t.res.ofEach[kind] > rejectsOfEach ||
		len(t.res.FirstRejects) == firstRejectsMax {
		return
	}
	out := Reject{Path: t.path, Offset: x.Offset, Reason: x.Reason, Field: x.Field,
		Detail: x.Detail}
	out.Line = t.line + int64(bytes.Count(c.Data[:x.Offset-c.Offset], []byte("\n")))
	line := x.Raw
	if c.Kind == source.Lines {
		// What Explain says of one run of a record's lines need not be why the record is a reject.
		if at, why, ok := t.Parser.Explain(x.Raw); ok && why.Reason == x.Reason {
			out.At, out.Field = at, why.Field
			if !t.Parser.Joins() {
				out.Detail = why.Detail
			}
			line = out.goTo(line)
		}
	}
	out.Text, out.Caret = around(source.TrimLineEnd(line), out.At)
	t.res.FirstRejects = append(t.res.FirstRejects, out)
}

// goTo goes to the line of the failing byte of a record of several lines, and gives that.
func (x *Reject) goTo(lines []byte) []byte {
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
