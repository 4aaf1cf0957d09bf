package files_test

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"logseal/ingest/source"
)

// record is what the model says a piece of a file is.
type record struct {
	start, end, line int
	kind             source.ChunkKind
	open             bool
}

// modelRecords lists the records of a whole file from a place in it, as the design's words say it.
func modelRecords(data []byte, off, line, maxRecord int) []record {
	var out []record
	for off < len(data) {
		if off < 3 && bytes.HasPrefix(data, []byte(source.BOM)) {
			out = append(out, record{start: off, end: 3, line: off, kind: source.ByteOrderMark})
			off, line = 3, 3
			continue
		}
		if n := modelPadding(data, off, line); n > 0 {
			out = append(out, record{start: off, end: off + n, line: line, kind: source.Padding})
			off += n
			line = off
			continue
		}
		text, _, ended := strings.Cut(string(data[line:]), "\n")
		lineEnd := line + len(text)
		if ended {
			lineEnd++
			text = strings.TrimSuffix(text, "\r")
		}
		r := record{start: off, end: lineEnd, line: line}
		switch {
		case len(text) > maxRecord:
			r.kind = source.TooLong
			for cut := line + maxRecord; cut < line+len(text); cut += maxRecord {
				if cut > off {
					r.end = cut
					break
				}
			}
		case off > line:
			r.kind = source.Continued
		}
		r.open = r.end == len(data) && !ended
		out = append(out, r)
		off = r.end
		if ended && off == lineEnd {
			line = off
		}
	}
	return out
}

// modelPadding is how long a NUL, or what is left of a BOM, is at off, if nothing else is in the line.
func modelPadding(data []byte, off, line int) int {
	switch {
	case off == line && data[off] == 0:
		return 1
	case bytes.HasPrefix(data[line:], []byte(source.BOM)) && off < line+len(source.BOM):
		return line + len(source.BOM) - off
	}
	return 0
}

// modelRange lists the records of the range from a place; 0 is no limit, 0 is no barrier.
func modelRange(data []byte, off, line, maxRecord, maxBytes, barrier int) []record {
	records := modelRecords(data, off, line, maxRecord)
	for i, r := range records {
		if barrier > off && r.end > barrier {
			from := r.line
			if r.kind == source.ByteOrderMark {
				from = 0 // what is there of it is a line, if the file ends in it
			}
			records = append(records[:i:i],
				modelRecords(data[:barrier], r.start, from, maxRecord)...)
			break
		}
	}
	n := 0
	for i, r := range records {
		alone := r.kind == source.ByteOrderMark && i+1 < len(records)
		if !alone && (n == 0 || maxBytes == 0 || r.end <= off+maxBytes) {
			n = i + 1
		}
	}
	return records[:n]
}

// modelPoint is the Point at off.
func modelPoint(data []byte, off int) source.Point {
	c := source.NewChain()
	c.Write(data[:off])
	p := c.Point()
	p.Chain = sha256.Sum256(data[:off])
	p.Line = int64(bytes.LastIndexByte(data[:off], '\n') + 1)
	for p.Line < int64(off) {
		n := modelPadding(data[:off], int(p.Line), int(p.Line))
		if n == 0 {
			break
		}
		p.Line += int64(n)
	}
	return p
}

// modelMarks are the marks strictly within a range.
func modelMarks(data []byte, start, end int) []source.Mark {
	var ms []source.Mark
	for off := 64; off < end; off *= 4 {
		if off > start {
			ms = append(ms, source.Mark{Offset: int64(off), Chain: sha256.Sum256(data[:off])})
		}
	}
	return ms
}
