package commit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// rangeReader gives the sealer the chunks of a range. A fault in the file ends the range at the last
// record end before it, and is kept.
//
// It also keeps, of a plain file, the bytes around the range's ends as they were read. Held against
// the file after the last read they show whether the file was truncated and written anew under our
// hands, so that the range may hold bytes of both. A compressed file is not written so.
type rangeReader struct {
	*files.Reader
	file     *files.File
	fault    error
	stopped  func() error // why no more is to be read, nil to go on
	progress func(int64)
	padded   func(at int64) // told where padding is skipped

	first  []byte       // the file's first bytes, when the range begins there
	start  int64        // of the range
	before []byte       // the last bytes before start
	last   source.Chunk // given last
	ahead  []byte       // the last bytes before last
	tail   []byte       // the last bytes given
}

// newFeed begins at off, where the file's bytes are proved.
func newFeed(file *files.File, reader *files.Reader, off int64) (*rangeReader, error) {
	f := &rangeReader{Reader: reader, file: file}
	if file.Compressed() {
		return f, nil
	}
	tail, err := file.Tail(off)
	f.tail = tail
	return f, err
}

// Begin begins a range at start, where the last one ended.
func (f *rangeReader) Begin(start, limit, barrier int64) {
	f.start, f.before, f.first = start, f.tail, nil
	f.Reader.Begin(limit, barrier)
}

// BeginAgain begins a range again that a batch had, or was to have, from start to end.
func (f *rangeReader) BeginAgain(start, end int64) {
	f.Begin(start, 0, 0)
	f.Reader.BeginAgain(end)
}

// Next gives the next chunk; io.EOF ends the range.
func (f *rangeReader) Next() (source.Chunk, error) {
	if f.fault != nil {
		return source.Chunk{}, io.EOF
	}
	if err := f.stopped(); err != nil {
		return source.Chunk{}, err
	}
	c, err := f.Reader.Next()
	if errors.As(err, new(*files.CorruptError)) || errors.As(err, new(*files.ShrunkError)) {
		f.fault = err
		return source.Chunk{}, io.EOF
	}
	if err != nil {
		return c, err
	}
	if f.progress != nil {
		f.progress(int64(len(c.Data)))
	}
	if c.Kind == source.Padding && f.padded != nil {
		f.padded(c.Offset)
	}
	if missing := files.MarkerSize - c.Offset; missing > 0 {
		f.first = append(f.first, c.Data[:min(int64(len(c.Data)), missing)]...)
	}
	f.last, f.ahead = c, f.tail
	f.tail = lastBytes(f.ahead, c.Data)
	return c, nil
}

// Cut ends the range within the chunk given last.
func (f *rangeReader) Cut(end int64) {
	f.tail = lastBytes(f.ahead, f.last.Data[:end-f.last.Offset])
	f.first = f.first[:min(int64(len(f.first)), max(0, end-f.start))]
	f.Reader.Cut(end)
}

// lastBytes is the end of a followed by b, as long as a marker.
func lastBytes(a, b []byte) []byte {
	if len(b) >= files.MarkerSize {
		return bytes.Clone(b[len(b)-files.MarkerSize:])
	}
	joined := append(bytes.Clone(a), b...)
	return joined[max(0, len(joined)-files.MarkerSize):]
}

// marker is the marker at the end of the range as it was read, zero for a compressed file.
func (f *rangeReader) marker() source.Digest {
	if f.file.Compressed() {
		return source.Digest{}
	}
	return source.DigestOf(f.tail)
}

// unchanged reports whether the file still has the bytes around both ends of the range, which ends
// at end, as they were read.
func (f *rangeReader) unchanged(end int64) (bool, error) {
	if f.file.Compressed() {
		return true, nil
	}
	type witness struct {
		end   int64
		bytes []byte
	}
	all := []witness{{f.start, f.before}, {end, f.tail}}
	if f.start == 0 {
		all[0] = witness{int64(len(f.first)), f.first}
	}
	for _, x := range all {
		have, err := f.file.Tail(x.end)
		if errors.As(err, new(*files.ShrunkError)) {
			return false, nil
		}
		if err != nil || !bytes.Equal(have, x.bytes) {
			return false, err
		}
	}
	return true, nil
}

// Where only a manifest has told the sealed offset, nobody knows where the line there began. It is
// learnt while the file is there, and as far as can be from what is near: a Point of the source before
// the offset, which is remembered. So a file that is truncated then can be sealed from memory.

// take takes over what the ledger says of the source.
func (w *Writer) take(src *offsets.Source) {
	w.Src = src
	if src.Sealed.Line != UnknownLine {
		w.Cutter.Known = src.Sealed
	}
}

// LearnLine asks the file where the line at the sealed offset began, when only a manifest has told
// that offset. The next batch carries it, so the ledger has to know it, too.
func (w *Writer) LearnLine(ctx context.Context) error {
	sealed := w.Src.Sealed
	if sealed.Line != UnknownLine {
		return nil
	}
	at, err := w.pointAt(ctx, sealed.Offset)
	if err != nil && !errors.As(err, new(*files.ChangedError)) {
		return fmt.Errorf("learn where the line at %d of %s begins: %w", sealed.Offset, w.Path, err)
	}
	if err != nil || at.Chain != sealed.Chain {
		return Stop(Changed, w.Path, "the bytes before %d are not those that were read; run again to "+
			"read it as it is now", sealed.Offset)
	}
	return w.Update(func(s *offsets.Source) error {
		s.Sealed.Line = at.Line
		return nil
	})
}

// pointAt gives the Point of the file at off.
func (w *Writer) pointAt(ctx context.Context, off int64) (source.Point, error) {
	from := source.Origin()
	if w.Cutter.Known != (source.Point{}) && w.Cutter.Known.Offset <= off {
		from = w.Cutter.Known
	}
	if from.Offset == off {
		return from, nil
	}
	return w.File.PointFrom(ctx, from, off)
}

// HasSealed reports whether a file has what is sealed of a source: by the bytes just before the sealed
// offset if the ledger has their marker.
func HasSealed(ctx context.Context, f *files.File, src *offsets.Source) (bool, error) {
	at := src.Sealed.Offset
	if src.Marker != (source.Digest{}) {
		marker, err := f.Marker(at)
		return marker == src.Marker, err
	}
	marks, _, err := f.MarksTo(ctx, []int64{at})
	return marks[at].Chain == src.Sealed.Chain, err
}

// sayPadded says once of a file that it has padding.
func (u *cutter) sayPadded(at int64) {
	if u.padded {
		return
	}
	u.padded = true
	u.Log.Warn("NUL bytes or a byte order mark at the start of a record were skipped: a crash, a log that is "+
		"truncated under its writer, or files that were joined, leave them", "path", u.Path, "at", at)
}

// openReader positions a reader at the sealed offset.
func (u *cutter) openReader(ctx context.Context) error {
	if u.reader != nil {
		return nil
	}
	if err := u.LearnLine(ctx); err != nil {
		return err
	}
	at := u.Src.Sealed
	reader, err := u.File.ReaderOf(ctx, at, int(u.Stream.Epoch.MaxRecordBytes),
		u.Stream.Parser.Parts())
	var changed *files.ChangedError
	if errors.As(err, &changed) {
		return Stop(Changed, u.Path, "%v; run again to read it as it is now", changed)
	}
	if err != nil {
		return err
	}
	u.reader, err = newFeed(u.File, reader, at.Offset)
	if err != nil {
		return err
	}
	u.reader.progress, u.reader.padded = u.Progress, u.sayPadded
	return nil
}

// DropReader lets the next cut begin with a reader of its own.
func (u *cutter) DropReader() { u.reader = nil }

// endReading keeps how the file ended, and gives back what reading takes: shipping may take long.
func (u *cutter) endReading() {
	u.Fault, u.leftHalf, u.OpenRecord = u.reader.fault, u.reader.LeftHalf(), 0
	if end, ok := u.reader.LeftRecord(); ok {
		u.OpenRecord = end
	}
	u.DropReader()
}
