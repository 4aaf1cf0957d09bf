package pipeline

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
func (w *work) take(src *offsets.Source) {
	w.src = src
	if src.Sealed.Line != unknownLine {
		w.known = src.Sealed
	}
}

// learnLine asks the file where the line at the sealed offset began, when only a manifest has told
// that offset. The next batch carries it, so the ledger has to know it, too.
func (w *work) learnLine(ctx context.Context) error {
	sealed := w.src.Sealed
	if sealed.Line != unknownLine {
		return nil
	}
	at, err := w.pointAt(ctx, sealed.Offset)
	if err != nil && !errors.As(err, new(*files.ChangedError)) {
		return fmt.Errorf("learn where the line at %d of %s begins: %w", sealed.Offset, w.path, err)
	}
	if err != nil || at.Chain != sealed.Chain {
		return stop(Changed, w.path, "the bytes before %d are not those that were read; run again to "+
			"look at it anew", sealed.Offset)
	}
	return w.update(func(s *offsets.Source) error {
		s.Sealed.Line = at.Line
		return nil
	})
}

// pointAt gives the Point of the file at off.
func (w *work) pointAt(ctx context.Context, off int64) (source.Point, error) {
	from := source.Origin()
	if w.known != (source.Point{}) && w.known.Offset <= off {
		from = w.known
	}
	if from.Offset == off {
		return from, nil
	}
	return w.file.PointFrom(ctx, from, off)
}

// learnLine is that of a file that is followed, as soon as its owner goes on at another offset: what is
// in memory may soon be all that is left of it. f.mu is held.
func (t *Tail) learnLine(f *followed) error {
	at := f.w.src.Sealed.Offset
	if f.w.src.Sealed.Line != unknownLine || f.cut && f.live.Taken() <= at {
		return nil
	}
	_, err := t.withView(f, at, false, func() (bool, error) { return false, f.w.learnLine(t.ctx) })
	if f.cut || !errors.As(err, new(*files.ShrunkError)) {
		return err
	}
	t.truncated(f)
	return nil
}
