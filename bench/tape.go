package bench

import (
	"bytes"
	"io"
	"math"

	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// tape gives the chunks of a window to seal.Seal, range by range. Its Points hold offsets only, and
// it has no Marks: hashing is a stage of its own.
type tape struct {
	chunks []source.Chunk
	at     int   // the chunk that pos is in
	pos    int64 // the end of what was taken
	start  int64 // of the range
	limit  int64 // how long a range may be; it holds one record at least
	// taken is called once a range, when all of it was given.
	taken func()
	asked bool // taken was called
}

var _ seal.Chunks = (*tape)(nil)

// newTape gives a tape of chunks that follow one another; there is at least one.
func newTape(chunks []source.Chunk, taken func()) *tape {
	return &tape{chunks: chunks, pos: chunks[0].Offset, limit: math.MaxInt64, taken: taken}
}

// begin begins a range where the last one ended; false when nothing is left.
func (t *tape) begin() bool {
	t.start, t.asked = t.pos, false
	return t.at < len(t.chunks)
}

// Next gives the next chunk, or the lines of it that are within the limit.
func (t *tape) Next() (source.Chunk, error) {
	if t.at == len(t.chunks) {
		return source.Chunk{}, io.EOF
	}
	c := t.chunks[t.at]
	end := c.End()
	if skip := t.pos - c.Offset; skip > 0 {
		c.Offset, c.Line, c.Data = t.pos, t.pos, c.Data[skip:]
	}
	if room := t.limit - (t.pos - t.start); int64(len(c.Data)) > room {
		c.Data = c.Data[:t.within(c, max(0, room))]
	}
	if len(c.Data) == 0 {
		return source.Chunk{}, io.EOF
	}
	t.pos = c.End()
	c.Open = c.Open && t.pos == end
	if t.pos == end {
		t.at++
	}
	return c, nil
}

// within is how much of c the range takes that has room for less than all of it.
func (t *tape) within(c source.Chunk, room int64) int {
	n := 0
	if c.Kind == source.Lines {
		n = bytes.LastIndexByte(c.Data[:room], '\n') + 1
	}
	if n > 0 || t.pos > t.start {
		return n
	}
	if n = bytes.IndexByte(c.Data, '\n') + 1; c.Kind == source.Lines && n > 0 {
		return n
	}
	return len(c.Data)
}

// Cut ends the range at end, and may be used to go back to its start.
func (t *tape) Cut(end int64) {
	t.pos = end
	for t.at > 0 && t.chunks[t.at-1].End() > end {
		t.at--
	}
}

// Point is where the tape stands. Seal asks for it when it has all of a range.
func (t *tape) Point() source.Point {
	if !t.asked {
		t.asked = true
		t.taken()
	}
	return source.Point{Offset: t.pos, Line: t.pos}
}

// Marks gives none.
func (t *tape) Marks() []source.Mark { return nil }
