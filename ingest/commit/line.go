package commit

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// Where only a manifest has told the sealed offset, nobody knows where the line there began. It is
// learnt while the file is there, and as far as can be from what is near: a Point of the source before
// the offset, which is remembered. So a file that is truncated then can be sealed from memory.

// take takes over what the ledger says of the source.
func (w *Writer) take(src *offsets.Source) {
	w.Src = src
	if src.Sealed.Line != UnknownLine {
		w.Known = src.Sealed
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
			"look at it anew", sealed.Offset)
	}
	return w.Update(func(s *offsets.Source) error {
		s.Sealed.Line = at.Line
		return nil
	})
}

// pointAt gives the Point of the file at off.
func (w *Writer) pointAt(ctx context.Context, off int64) (source.Point, error) {
	from := source.Origin()
	if w.Known != (source.Point{}) && w.Known.Offset <= off {
		from = w.Known
	}
	if from.Offset == off {
		return from, nil
	}
	return w.File.PointFrom(ctx, from, off)
}

// HasSealed tells whether a file has what is sealed of a source: by the bytes just before the sealed
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
