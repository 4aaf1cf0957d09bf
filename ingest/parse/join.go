package parse

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Rest says that the next parts of a stream, up to the last one, are the rest of a record whose
// first parts are not there. The zero Rest is none.
type Rest struct {
	Reason Reason // what they are rejected for: Continued or TooLong
	Of     int64  // where the record begins
}

// Joined is a chunk of whole lines of a frame. It begins and ends where no record is open, but for
// what the fields say.
type Joined struct {
	Offset int64 // of the data in the source
	Data   []byte
	Rest   [Streams]Rest // of each stream, at the start
	// Over says that what is open at the end is longer than a record may be. Else the source, or
	// the range, ends there, and what there is of a record is one.
	Over bool
	// Partition tells in which partition a row with an event time lies; nil for one partition.
	Partition func(micros int64) int64
}

// groupPartitions is over how many partitions the rows of one group may lie, for a group is not cut. A record
// that would lie in one more is a reject. It is no setting: what becomes of a range depends on its bytes alone.
const groupPartitions = 64

// joiner joins the parts of records. A group is the lines from one place where no record is open
// to the next.
type joiner struct {
	framer  *framer
	in      Joined
	at      int // the line at hand, in in.Data
	open    [Streams]int
	records []joined
	lines   []partLine
	rejects int // how many there were before the group
	text    []byte
	lieIn   []int64 // the partitions of the group's rows
}

// joined is a record of one or more parts; the first says time and attrs.
type joined struct {
	stream      int
	time, attrs []byte
	first, end  int  // its lines: the first, and the last one so far
	closed      bool // the last part is there
	over        bool
}

// partLine is a part of a record. Its line is data[from:to].
type partLine struct {
	from, to int
	next     int // of the same record
	text     []byte
	escaped  bool
}

// none stands for no record and no line.
const none = -1

// ParseJoined parses lines of a frame; see Parse. A joined record begins where its first part
// does. When it is a reject and other lines stand between its own, each run of its own is one.
func (p *Parser) ParseJoined(in Joined, t *Table) {
	t.reset(p.def.Columns)
	j := &t.joiner
	if j.framer == nil || j.framer.frame != p.def.Frame {
		j.framer = newFramer(p.def.Frame)
	}
	j.in, j.at, j.rejects, j.open = in, 0, 0, [Streams]int{none, none}
	start := 0
	for j.at < len(in.Data) {
		n := bytes.IndexByte(in.Data[j.at:], '\n') + 1
		if n == 0 {
			n = len(in.Data) - j.at
		}
		to := j.at + n
		j.skipPadding(to, t)
		if j.at < to {
			p.joinLine(to, t)
		}
		j.at = to
		if j.open == [Streams]int{none, none} {
			p.endGroup(start, t)
			start = j.at
		}
	}
	for _, r := range j.open {
		if r != none {
			j.records[r].over = in.Over
		}
	}
	p.endGroup(start, t)
	for i := range t.Columns {
		t.Columns[i].dropNull()
	}
	j.in.Data = nil
}

// skipPadding skips the NULs and BOMs that the line data[j.at:to] begins with. Elsewhere whoever frames
// lines does that; within a record of several lines they stand in the data.
func (j *joiner) skipPadding(to int, t *Table) {
	const bom = "\xef\xbb\xbf"
	start := j.at
	for j.at < to {
		if j.in.Data[j.at] == 0 {
			j.at++
		} else if bytes.HasPrefix(j.in.Data[j.at:to], []byte(bom)) {
			j.at += len(bom)
		} else {
			break
		}
	}
	t.SkippedBytes += int64(j.at - start)
}

// joinLine takes the line data[j.at:to].
func (p *Parser) joinLine(to int, t *Table) {
	j := &t.joiner
	line := j.in.Data[j.at:to:to]
	if len(trimLineEnd(line)) == 0 {
		t.SkippedLines++
		t.SkippedBytes += int64(len(line))
		return
	}
	x, bad := j.framer.split(bytes.TrimSuffix(line, []byte("\n")))
	if bad.reason != "" {
		t.Rejects = append(t.Rejects, Reject{Offset: j.in.Offset + int64(j.at), Raw: line,
			Reason: bad.reason, Field: bad.field, Detail: bad.detail})
		return
	}
	if rest := &j.in.Rest[x.stream]; rest.Reason != "" {
		t.Rejects = append(t.Rejects, Reject{Offset: j.in.Offset + int64(j.at), Raw: line,
			Reason: rest.Reason, Detail: strconv.FormatInt(rest.Of, 10)})
		if x.last {
			*rest = Rest{}
		}
		return
	}
	j.add(x, to)
}

// add makes the part the next of its stream's record, or the first of a new one.
func (j *joiner) add(x part, to int) {
	at := len(j.lines)
	j.lines = append(j.lines, partLine{j.at, to, none, x.text, x.escaped})
	r := j.open[x.stream]
	if r == none {
		r = len(j.records)
		j.records = append(j.records, joined{stream: x.stream, time: x.time, attrs: x.attrs, first: at})
	} else {
		j.lines[j.records[r].end].next = at
	}
	j.records[r].end = at
	j.open[x.stream] = r
	if x.last {
		j.records[r].closed, j.open[x.stream] = true, none
	}
}

// endGroup adds the records of the group data[start:j.at] to t in the order in which they begin.
func (p *Parser) endGroup(start int, t *Table) {
	j := &t.joiner
	for i := range j.records {
		p.addJoined(&j.records[i], t)
	}
	if len(j.records) > 1 || len(t.Rejects)-j.rejects > 1 {
		slices.SortFunc(t.Rejects[min(j.rejects, len(t.Rejects)):], func(a, b Reject) int {
			return int(a.Offset - b.Offset)
		})
	}
	if len(j.lines) > 1 {
		t.Groups = append(t.Groups, Group{j.in.Offset + int64(start), j.in.Offset + int64(j.at)})
	}
	j.records, j.lines, j.rejects = j.records[:0], j.lines[:0], len(t.Rejects)
	j.lieIn = j.lieIn[:0]
	j.open = [Streams]int{none, none}
}

// addJoined adds a record to t as a row, as rejects or as skipped lines.
func (p *Parser) addJoined(r *joined, t *Table) {
	j := &t.joiner
	if r.over {
		offset := j.in.Offset + int64(j.lines[r.first].from)
		j.reject(r, failure{fault: fault{TooLong, strconv.FormatInt(offset, 10)}}, t)
		return
	}
	content := j.content(r)
	lines, size := j.size(r)
	if len(content) == 0 && !p.whole {
		t.SkippedLines += lines
		t.SkippedBytes += size
		return
	}
	if bad := p.appendFramed(r, content, t); bad.reason != "" {
		j.reject(r, bad, t)
		return
	}
	if !p.hasPartition(t) {
		truncate(t.Columns, t.Rows())
		j.reject(r, failure{fault: fault{OutOfRange, tooManyPartitions}, field: p.fields[p.eventTime].Name}, t)
		return
	}
	t.Offsets = append(t.Offsets, j.in.Offset+int64(j.lines[r.first].from))
	t.Lengths = append(t.Lengths, int32(size))
}

// tooManyPartitions is the detail of a record that lies in one partition more than its group may.
var tooManyPartitions = fmt.Sprintf("in one more than %d partitions of records that lie between each other's parts",
	groupPartitions)

// hasPartition reports whether the row that was appended last may lie in the partition of its event time.
func (p *Parser) hasPartition(t *Table) bool {
	j := &t.joiner
	if p.eventTime < 0 || j.in.Partition == nil {
		return true
	}
	x := j.in.Partition(t.Columns[p.eventTime].Int64s[t.Rows()])
	if slices.Contains(j.lieIn, x) {
		return true
	}
	if len(j.lieIn) == groupPartitions {
		return false
	}
	j.lieIn = append(j.lieIn, x)
	return true
}

// appendFramed adds a record's values to t's columns, or nothing.
func (p *Parser) appendFramed(r *joined, content []byte, t *Table) failure {
	t.outer = [maxFrameColumns][]byte{r.time, streamTexts[r.stream], r.attrs}
	bad := p.appendRow(content, t)
	bad.detail = strings.Replace(bad.detail, " of the line", " of what is inside", 1)
	return bad
}

// size is how many lines a record has, and their bytes.
func (j *joiner) size(r *joined) (lines, size int64) {
	for i := r.first; i != none; i = j.lines[i].next {
		lines++
		size += int64(j.lines[i].to - j.lines[i].from)
	}
	return lines, size
}

// content joins a record's parts, without the line end of the program's line. It is valid until
// the next call.
func (j *joiner) content(r *joined) []byte {
	ended := r.closed && j.in.Data[j.lines[r.end].to-1] == '\n'
	if l := &j.lines[r.first]; l.next == none && !l.escaped {
		return j.framer.trim(l.text, ended)
	}
	j.text = j.text[:0]
	for i := r.first; i != none; i = j.lines[i].next {
		if l := &j.lines[i]; l.escaped {
			j.text = unescape(j.text, l.text)
		} else {
			j.text = append(j.text, l.text...)
		}
	}
	return j.framer.trim(j.text, ended)
}

// trim takes the line end of the program's line off. With CRI its LF is that of the last part's
// line: ended says that it is there.
func (fr *framer) trim(text []byte, ended bool) []byte {
	if fr.frame == DockerJSON {
		return trimLineEnd(text)
	}
	if ended {
		return bytes.TrimSuffix(text, []byte("\r"))
	}
	return text
}

// reject adds the runs of a record's lines to t's rejects.
func (j *joiner) reject(r *joined, bad failure, t *Table) {
	first := len(t.Rejects)
	for i := r.first; i != none; {
		from, to := j.lines[i].from, j.lines[i].to
		for i = j.lines[i].next; i != none && j.lines[i].from == to; i = j.lines[i].next {
			to = j.lines[i].to
		}
		t.Rejects = append(t.Rejects, Reject{Offset: j.in.Offset + int64(from),
			Raw: j.in.Data[from:to:to], Reason: bad.reason, Field: bad.field, Detail: bad.detail})
	}
	if len(t.Rejects)-first < 2 || bad.reason == TooLong {
		return
	}
	part := "a part of the record at " + strconv.FormatInt(t.Rejects[first].Offset, 10)
	for i := range t.Rejects[first:] {
		if d := &t.Rejects[first+i].Detail; *d == "" {
			*d = part
		} else {
			*d += "; " + part
		}
	}
}
