package parse

import (
	"bytes"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// Parser is a compiled Definition. It may be used concurrently, with a Table for each user.
type Parser struct {
	def       Definition
	re        *regexp.Regexp // matches a whole line or nothing; of a Regex
	spans     *spans         // does the same sooner; nil if it cannot
	tree      *tree          // where the columns' values are; of JSON
	fields    []*field
	eventTime int
	outer     int  // how many columns are the frame's
	whole     bool // the pattern's one group is all there is, so that a record may be empty
}

// Definition is what p was made of, in canonical form. Its slices are not to be changed.
func (p *Parser) Definition() Definition { return p.def }

// Joins says that records may be of several lines, so that chunks are for ParseJoined.
func (p *Parser) Joins() bool { return p.def.Frame != NoFrame }

// EventTime is the index of the event time's column, -1 for none.
func (p *Parser) EventTime() int { return p.eventTime }

// Parse parses whole lines that begin at offset of their source; the last may be unended. What t
// held before is dropped and its memory used again. t's rejects alias data. Lines of a frame are as
// ParseJoined has them when nothing is carried over from before.
func (p *Parser) Parse(offset int64, data []byte, t *Table) {
	if p.def.Frame != NoFrame {
		p.ParseJoined(Joined{Offset: offset, Data: data}, t)
		return
	}
	t.reset(p.def.Columns)
	for len(data) > 0 {
		n := bytes.IndexByte(data, '\n') + 1
		if n == 0 {
			n = len(data)
		}
		p.parseLine(offset, data[:n:n], t)
		data = data[n:]
		offset += int64(n)
	}
	for i := range t.Columns {
		t.Columns[i].dropNull()
	}
}

// parseLine adds one line to t, its line end included.
func (p *Parser) parseLine(offset int64, line []byte, t *Table) {
	content := trimLineEnd(line)
	if len(content) == 0 {
		t.SkippedLines++
		t.SkippedBytes += int64(len(line))
		return
	}
	if bad := p.appendRow(content, t); bad.reason != "" {
		t.Rejects = append(t.Rejects, Reject{Offset: offset, Raw: line, Reason: bad.reason,
			Field: bad.field, Detail: bad.detail})
		return
	}
	t.Offsets = append(t.Offsets, offset)
	t.Lengths = append(t.Lengths, int32(len(line)))
}

// failure is why a line is no row.
type failure struct {
	fault
	column int    // at fault, -1 for none
	field  string // the column's name, or the key of a member that no column reads
	at     int    // the byte of the line at fault, if the line was to be a JSON object
}

// atByte ends what a detail says.
func atByte(at int) string { return "at byte " + strconv.Itoa(at) + " of the line" }

// appendRow adds the line's values to t's columns, or nothing.
func (p *Parser) appendRow(content []byte, t *Table) failure {
	if at := invalidUTF8(content); at >= 0 {
		return failure{fault: fault{InvalidUTF8, atByte(at)}, column: -1, at: at}
	}
	if p.def.Kind == JSON {
		return p.appendObject(content, t)
	}
	return p.appendMatch(content, t)
}

// appendMatch adds the groups of the pattern's match to t's columns, or nothing.
func (p *Parser) appendMatch(content []byte, t *Table) failure {
	groups := p.match(content, t)
	if groups == nil {
		return failure{fault: fault{reason: NoMatch}, column: -1}
	}
	rows := t.Rows()
	for i, f := range p.fields {
		var text []byte
		if i < p.outer {
			text = t.outer[i]
		} else if start := groups[2*f.group]; start >= 0 {
			end := groups[2*f.group+1]
			text = content[start:end:end]
		}
		if bad := f.append(&t.Columns[i], text); bad.reason != "" {
			truncate(t.Columns[:i], rows)
			return failure{fault: bad, column: i, field: f.Name}
		}
	}
	return failure{}
}

// match is where the pattern's groups are, nil for no match. Content is UTF-8.
func (p *Parser) match(content []byte, t *Table) []int {
	if p.spans == nil {
		return p.re.FindSubmatchIndex(content)
	}
	if !p.spans.match(content, &t.groups) {
		return nil
	}
	return t.groups
}

// truncate takes the rows from n on back.
func truncate(columns []Vector, n int) {
	for i := range columns {
		columns[i].truncate(n)
	}
}

// invalidUTF8 is where the first byte stands that is not part of UTF-8 text, -1 for none.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for at := 0; ; {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n <= 1 {
			return at
		}
		at += n
	}
}

// trimLineEnd cuts LF or CRLF; a lone CR is content.
func trimLineEnd(line []byte) []byte {
	line, ended := bytes.CutSuffix(line, []byte("\n"))
	if ended {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	return line
}
