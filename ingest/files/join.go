package files

import (
	"bytes"

	"logseal/ingest/source"
)

// PartFunc tells of a line, without its LF, which record of several lines it is a part of: the
// stream, 0 or 1, or -1 for a line that is a record by itself; and whether it is the last part.
// What it tells depends on the line alone.
type PartFunc func(line []byte) (stream int, last bool)

// groupLines is how many lines a group may have: the parts that runtimes write are of 8 or 16 KiB,
// so 4096 are more than any max_record_bytes that makes sense has room for. It bounds what a group
// of the shortest lines makes of memory, and how many partitions its rows can open.
const groupLines = 4096

// joiner follows which records of several lines are open. A group is the lines from a place where
// none is to the next such place: it is what a range holds all or nothing of.
type joiner struct {
	part  PartFunc
	carry source.Carry // what follows of these streams, up to the last part, opens nothing
	open  [2]int64     // where the open record of a stream begins, -1 for none
	lines int
}

func newJoiner(part PartFunc, carry source.Carry) joiner {
	return joiner{part: part, carry: carry, open: [2]int64{-1, -1}}
}

// take takes the next line, which begins at off.
func (j *joiner) take(line []byte, off int64) {
	j.lines++
	pad := source.PaddingLen(line, 0)
	s, last := j.part(bytes.TrimSuffix(line[pad:], []byte("\n")))
	switch {
	case s < 0:
	case j.carry[s] != source.Rest{}:
		if last {
			j.carry[s] = source.Rest{}
		}
	case last:
		j.open[s] = -1
	case j.open[s] < 0:
		j.open[s] = off + int64(pad)
	}
}

// closed says that no record is open: the group ends.
func (j *joiner) closed() bool { return j.open == [2]int64{-1, -1} }

// end ends a group by force: what follows of the records that are open is their rest.
func (j *joiner) end(why source.ChunkKind) source.Carry {
	for s, of := range j.open {
		if of >= 0 {
			j.carry[s] = source.Rest{Kind: why, Of: of}
		}
	}
	return j.carry
}

// nextGroup tells where the group ends that begins b, at offset off of the source; ended says that
// the file ends with b. A group is limited as a line is: it has at most maxRecord bytes before its
// last line end, unless it is one line, and at most groupLines lines. One that would have more ends
// before the line that is too much; what is open then is too long.
//
// It looks at no more than maxRecord+3 bytes: a line end after so many of content, and one more that
// says that there is more.
func nextGroup(b []byte, off int64, j joiner, maxRecord int, ended bool) piece {
	n := 0
	for {
		p := nextPiece(b[n:], place{}, maxRecord-min(n, maxRecord-1), ended)
		switch fits := n == 0 || n < maxRecord && j.lines < groupLines && p.kind == source.Lines; {
		case n == 0 && p.kind == source.TooLong:
			p.carry = j.carry
			return p
		case n > 0 && n == len(b) && ended:
			return piece{n: n, open: true, carry: j.end(source.Continued)}
		case !fits && (p.n > 0 || len(b) > n):
			return piece{n: n, over: true, carry: j.end(source.TooLong)}
		case p.n == 0:
			return piece{}
		}
		j.take(b[n:n+p.n], off+int64(n))
		n += p.n
		switch {
		case p.open:
			return piece{n: n, open: true, carry: j.end(source.Continued)}
		case j.closed():
			return piece{n: n, carry: j.carry}
		}
	}
}

// wholeGroups gives the length of the whole groups at the start of b, and what they carry over.
func wholeGroups(b []byte, off int64, j joiner, maxRecord int) (int, source.Carry) {
	n := 0
	for n < len(b) {
		p := nextGroup(b[n:], off+int64(n), newJoiner(j.part, j.carry), maxRecord, false)
		if p.n == 0 || p.kind != source.Lines || p.over {
			break
		}
		n += p.n
		j.carry = p.carry
	}
	return n, j.carry
}
