package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"logseal/ingest/source"
)

// Reader cuts a file into ranges of whole records. One goroutine uses it.
//
//	for !r.AtEnd() {
//		r.Begin(maxBytes, 0)
//		// Next until io.EOF, or Cut; then Point is the end of the range.
//	}
//
// What it has taken of the file is always a whole number of records, the chain before the last
// chunk stands where the window begins, and the last chunk's bytes are the window's first. So the
// last chunk can be given back in part, and is hashed only when it cannot be any more.
type Reader struct {
	file      *File
	maxRecord int
	chunkMax  int      // chunks of several records are no longer than this
	part      PartFunc // nil: lines are records

	win   window
	chain *source.Chain // up to where win begins
	ahead *source.Chain // up to pos, when it was asked for; else nil

	pos     int64        // the end of what was taken
	place   place        // of pos in its line
	pending int          // bytes of the last chunk: the window's first
	before  place        // of the last chunk's start
	carry   source.Carry // at pos
	carried source.Carry // at the last chunk's start

	current openRange
}

// openRange is the range that is being cut, and how far it is.
type openRange struct {
	start   int64
	limit   int64 // its greatest end if it has a record that ends there or before
	barrier int64 // math.MaxInt64: none
	ended   bool
	again   bool  // see BeginAgain
	some    bool  // it holds a record
	padded  bool  // the last chunk is padding
	sure    bool  // a half line may be taken: its BOM was
	left    bool  // see LeftHalf
	leftEnd int64 // see LeftRecord; 0 for none
}

// chunkMax bounds a chunk of several records: large enough to make calls cheap, small enough to
// stay in a core's cache.
const chunkMax = 1 << 20

// groupsMax bounds one of several groups: such chunks are parsed as a whole.
const groupsMax = 128 << 10

// Reader gives a Reader that goes on at the Point. A File has one Reader at a time: a new one
// ends the one before. maxRecord is the most bytes of content that a line may have.
//
// The end of the bytes before the Point is compared with its chain: a *ChangedError when it
// differs, a *ShrunkError when the file ends before it. Marks is the whole proof. In a compressed
// file all that is before the Point is decompressed again; a fault there is a *CorruptError.
func (f *File) Reader(ctx context.Context, at source.Point, maxRecord int) (*Reader, error) {
	return f.ReaderOf(ctx, at, maxRecord, nil)
}

// ReaderOf is Reader for records of several lines, if part is not nil: ranges and chunks then end
// where no record is open. At the end of a file, at a barrier and where there would be more than
// maxRecord bytes from where a record began when none was open, they do so by force, and the Point
// carries it over.
func (f *File) ReaderOf(ctx context.Context, at source.Point, maxRecord int, part PartFunc) (
	*Reader, error) {
	if maxRecord < 1 || at.Offset < 0 || at.Line < 0 || at.Line > at.Offset {
		return nil, fmt.Errorf("read %s: bad start: offset %d, line %d, at most %d bytes a record",
			f.path, at.Offset, at.Line, maxRecord)
	}
	f.endReader()
	r := &Reader{file: f, maxRecord: maxRecord, chunkMax: chunkMax, part: part, pos: at.Offset,
		current: openRange{start: at.Offset, ended: true}, win: window{src: f.open()}}
	if part != nil {
		r.chunkMax, r.carry = groupsMax, at.Carry
	}
	if err := r.resume(ctx, at); err != nil {
		r.win.src.Close()
		return nil, err
	}
	f.reader = r
	return r, nil
}

// resume moves the stream to the Point and takes up its chain.
func (r *Reader) resume(ctx context.Context, at source.Point) error {
	tail, err := r.win.src.skip(ctx, at.Offset)
	if err != nil {
		return err
	}
	r.place = place{inLine: at.Offset - at.Line, afterCR: bytes.HasSuffix(tail, []byte{'\r'})}
	if r.chain, err = source.Resume(at, tail); err != nil {
		return &ChangedError{Path: r.file.path, Offset: at.Offset, Err: err}
	}
	if line := tail[max(0, int64(len(tail))-r.place.inLine):]; int64(len(line)) == r.place.inLine {
		r.place.bom = source.BOMStart(line)
	}
	return nil
}

// Begin begins a range where the last one ended. It ends at the last record end that is at most
// maxBytes after its start (0: no limit) or, if there is none, at the first record end. It never
// crosses barrier: a record that would is cut there as if the file ended there (Chunk.Open). A
// barrier that is not after the range's start is none.
func (r *Reader) Begin(maxBytes, barrier int64) {
	r.take()
	r.chain.ForgetMarks(r.pos)
	r.current = openRange{start: r.pos, limit: math.MaxInt64, barrier: math.MaxInt64}
	if maxBytes > 0 && maxBytes < math.MaxInt64-r.pos {
		r.current.limit = r.pos + maxBytes
	}
	if barrier > r.pos {
		r.current.barrier = barrier
	}
}

// BeginAgain begins a range again that ended at end because the file ended there then, or was held
// to do so: what has come after end since is not looked at.
func (r *Reader) BeginAgain(end int64) {
	r.Begin(0, end)
	r.current.again = true
}

// Next gives the next chunk of the range, or io.EOF at its end. Its Data is valid until the next
// call to Next, AtEnd or Begin. Where a compressed file has a fault the range ends at the last
// record end before it; the next range, or this one when it would be empty, gives the
// *CorruptError. After any other error the range cannot be gone on with.
func (r *Reader) Next() (source.Chunk, error) {
	r.take()
	if r.current.ended {
		return source.Chunk{}, io.EOF
	}
	p, err := r.nextInRange()
	if err != nil {
		return source.Chunk{}, err
	}
	if p.n == 0 {
		r.current.ended = true
		if err := r.fault(); err != nil && r.pos == r.current.start {
			r.current.ended = false
			return source.Chunk{}, err
		}
		return source.Chunk{}, io.EOF
	}
	return r.give(p), nil
}

// Cut ends the range at end: a record end in the last chunk, or its start. What follows it is
// given again by the next range.
func (r *Reader) Cut(end int64) {
	start := r.pos - int64(r.pending)
	if end < start || end > r.pos {
		panic(fmt.Sprintf("files: cut at %d, outside the last chunk [%d, %d)", end, start, r.pos))
	}
	if end > start && end < r.pos && !r.current.padded && r.win.bytes()[end-start-1] != '\n' {
		panic(fmt.Sprintf("files: cut at %d, which is no record end", end))
	}
	r.current.ended = true
	if end == r.pos {
		return
	}
	r.pos, r.pending, r.ahead = end, int(end-start), nil
	r.place = place{}
	switch {
	case end == start:
		r.place, r.carry = r.before, r.carried
	case r.part != nil && !r.current.padded:
		n, carry := wholeGroups(r.win.bytes()[:r.pending], start, newJoiner(r.part, r.carried),
			r.maxRecord)
		if n < r.pending {
			panic(fmt.Sprintf("files: cut at %d, within a record", end))
		}
		r.carry = carry
	}
}

// Point is where the range stands: the end of the last chunk or, after Cut, the cut.
func (r *Reader) Point() source.Point {
	p := r.chainHere().Point()
	p.Carry = r.carry
	return p
}

// Marks gives the standard marks strictly within the range so far: after its start, before Point.
func (r *Reader) Marks() []source.Mark { return r.chainHere().Marks(r.current.start, r.pos) }

// chainHere is the chain up to pos. It is valid until the next call to anything else.
func (r *Reader) chainHere() *source.Chain {
	if r.pending == 0 {
		return r.chain
	}
	if r.ahead == nil {
		r.ahead = r.chain.Clone()
		r.ahead.Write(r.win.bytes()[:r.pending])
	}
	return r.ahead
}

// AtEnd says that nothing follows the range, once it has ended; or that the file has no records at
// all, before the first. It reads ahead to know. It is false within a range, and when an error
// follows, which the next range gives.
func (r *Reader) AtEnd() bool {
	if !r.current.ended {
		return false
	}
	r.take()
	r.current.barrier, r.current.sure, r.current.again = math.MaxInt64, false, false
	p, err := r.nextRecord()
	return err == nil && p.n == 0 && r.fault() == nil
}

// LeftHalf says that the file ends in a half line that was left, because the file may grow or has
// changed since it was opened.
func (r *Reader) LeftHalf() bool { return r.current.left }

// LeftRecord says that what LeftHalf speaks of begins with whole lines, of a record that lacks its
// last part, and where these lines end: as far as a range comes by a File that ends there.
func (r *Reader) LeftRecord() (end int64, ok bool) {
	return r.current.leftEnd, r.current.left && r.current.leftEnd > 0
}

// take makes the last chunk's bytes part of the chain for good.
func (r *Reader) take() {
	if r.pending == 0 {
		return
	}
	if r.ahead == nil {
		r.ahead = r.chain
		r.ahead.Write(r.win.bytes()[:r.pending])
	}
	r.chain, r.ahead = r.ahead, nil
	r.win.drop(r.pending)
	r.pending = 0
}

// give makes the window's first bytes the last chunk.
func (r *Reader) give(p piece) source.Chunk {
	b := r.win.bytes()[:p.n]
	c := source.Chunk{Kind: p.kind, Offset: r.pos, Line: r.pos - r.place.inLine,
		Open: p.open, Carry: r.carry, Over: p.over, Data: b}
	r.before, r.carried, r.pending = r.place, r.carry, p.n
	r.carry = p.carry
	r.pos += int64(p.n)
	switch {
	case p.kind == source.ByteOrderMark:
		c.Line, r.place = c.Offset, place{}
	case p.kind == source.Padding:
		r.place = place{}
	case b[p.n-1] == '\n':
		r.place = place{}
	default:
		r.place = r.place.after(b)
	}
	r.current.padded = p.kind == source.Padding
	r.current.sure = p.kind == source.ByteOrderMark
	r.current.some = r.current.some || !r.current.sure
	return c
}

// fault is the file's fault when it has one before or at the end of the window.
func (r *Reader) fault() error {
	var corrupt *CorruptError
	if errors.As(r.win.err, &corrupt) {
		return corrupt
	}
	return nil
}
