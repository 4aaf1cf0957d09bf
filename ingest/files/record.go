package files

import (
	"bytes"

	"logseal/ingest/source"
)

// place is where in its line an offset of a file is.
type place struct {
	inLine  int64 // bytes of the line before it
	afterCR bool  // the byte before it is a CR
	bom     int   // inLine, if that is the beginning of a BOM and all there is of the line; else 0
}

// begins says that no byte of the line's content is known to be before it.
func (p place) begins() bool { return p.inLine == int64(p.bom) }

// after is the place after b, which does not end with a line end.
func (p place) after(b []byte) place {
	after := place{afterCR: b[len(b)-1] == '\r'}
	if i := bytes.LastIndexByte(b, '\n') + 1; i > 0 { // b is of a group
		p, b = place{}, b[i:]
	}
	if !p.begins() {
		after.inLine = p.inLine + int64(len(b))
		return after
	}
	line := append([]byte(source.BOM[:p.bom]), b[:min(len(b), len(source.BOM))]...)
	pad := source.PaddingLen(b, p.bom)
	if pad > 0 {
		line = b[pad:]
		after.inLine = int64(len(line))
	} else {
		after.inLine = p.inLine + int64(len(b))
	}
	if int64(len(line)) == after.inLine {
		after.bom = source.BOMStart(line)
	}
	return after
}

// piece is the next record of a file: all of one, or a fragment of a long line.
type piece struct {
	n    int // length; 0: there is none, or more bytes are needed to know where it ends
	kind source.ChunkKind
	open bool // it ends because the file does
	// Of a group of records of several lines: it ends because it has as much as is allowed.
	over  bool
	carry source.Carry // after it
}

// nextPiece tells where the record that begins b ends. ended says that the file ends with b. The
// rule, for a line whose content (all before its LF or CRLF) begins at offset L of the source:
// with at most maxRecord bytes of content it is a record; with more it is cut at L+maxRecord,
// L+2*maxRecord and so on as long as content follows, and its line end belongs to the last
// fragment. When b begins inside a line that is not long, the rest of it is Continued.
//
// It looks at no more than maxRecord+2 bytes: a fragment is known to be one by a byte of content
// after it, and a CR is content unless an LF follows.
func nextPiece(b []byte, at place, maxRecord int, ended bool) piece {
	whole := int64(maxRecord)
	part := int(whole - at.inLine%whole) // to where the fragment that b begins with is cut
	known := b[:min(len(b), part+2)]
	end := bytes.IndexByte(known, '\n')
	switch {
	case end >= 0:
	case len(known) == part+2:
		return piece{n: part, kind: source.TooLong}
	case !ended || len(b) == 0:
		return piece{}
	}
	content := contentLen(known, end)
	total := at.inLine + int64(content)
	if end == 0 && at.inLine > 0 && at.afterCR {
		total-- // the CR before b turns out to be no content
	}
	long := total > whole
	if long && content > part {
		return piece{n: part, kind: source.TooLong}
	}
	p := piece{n: end + 1, kind: source.Lines, open: end < 0}
	if p.open {
		p.n = len(b)
	}
	if at.inLine > 0 {
		p.kind = source.Continued
	}
	if long {
		p.kind = source.TooLong
	}
	return p
}

// contentLen is how much of b stands before its line end, an LF at end or none.
func contentLen(b []byte, end int) int {
	if end < 0 {
		return len(b)
	}
	return len(source.TrimLineEnd(b[:end+1]))
}

// wholeLines gives the length of the whole lines at the start of b, up to the first that holds
// more than maxRecord bytes of content. Each step looks back from as far as a line may reach, so
// short lines are not looked at one by one.
func wholeLines(b []byte, maxRecord int) int {
	n := 0
	for n < len(b) {
		reach := b[n:min(len(b), n+maxRecord+1)]
		if i := bytes.LastIndexByte(reach, '\n'); i >= 0 {
			n += i + 1
			continue
		}
		crlf := n + maxRecord // where a line of maxRecord bytes would have its CRLF
		if crlf+1 >= len(b) || b[crlf] != '\r' || b[crlf+1] != '\n' {
			break
		}
		n = crlf + 2
	}
	return n
}
