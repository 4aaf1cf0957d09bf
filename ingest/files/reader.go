package files

import (
	"context"

	"logseal/ingest/source"
)

// Reader cuts a file into ranges of whole records. One goroutine uses it.
//
//	r, err := f.Reader(ctx, at, maxRecord)
//	for !r.AtEnd() {
//		r.Begin(max, 0)
//		// Next until io.EOF, perhaps Cut; then Point is the end of the range.
//	}
type Reader struct{}

// Reader gives a Reader that goes on at the Point. A File has one Reader at a time: a new one
// ends the one before.
func (f *File) Reader(ctx context.Context, at source.Point, maxRecord int) (*Reader, error) {
	return nil, nil
}

// Begin begins a range where the last one ended. It ends at the last record end that is at most
// max bytes away (0: no limit) or, if there is none, at the first record end. It never crosses
// barrier (one that is not after the range's start is none): a record that would is cut there as
// if the file ended there (Chunk.Open).
func (r *Reader) Begin(max, barrier int64) {}

// Next gives the next chunk of the range, or io.EOF at its end. Where a compressed file has a
// fault the range ends as at the end of a file, but AtEnd stays false; the next range, or this one
// when it has nothing in it, gives the *CorruptError. Any other error means that the range
// cannot be read; it stays.
func (r *Reader) Next() (source.Chunk, error) { return source.Chunk{}, nil }

// Cut ends the range at end, a record end in the last chunk or its start. What follows is
// given again by the next range.
func (r *Reader) Cut(end int64) {}

// Point is where the range stands: at the end of the last chunk or, after Cut, at its end.
func (r *Reader) Point() source.Point { return source.Point{} }

// AtEnd says, once a range has ended (or before the first), that nothing follows it. It reads
// ahead to know: the last chunk's Data is no longer valid. It is false when an error follows.
func (r *Reader) AtEnd() bool { return false }

// LeftHalf says that the file ends in a half line that was not taken, because the file changed
// since it was opened.
func (r *Reader) LeftHalf() bool { return false }
