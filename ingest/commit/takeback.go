package commit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// What was declared lost is taken back by whoever has the bytes after all. The range is sealed again
// into the spool, as a batch that no outbox has; from there it is put as every batch is that the
// bucket has passed. So it is when we die meanwhile.

// takesBack tells whether a batch holds just the bytes that were declared lost where it starts.
func takesBack(m, there *table.Manifest) bool {
	return isLoss(there) && !isLoss(m) && m.Range() == there.Range() && m.ChainOut == there.ChainOut
}

// sealAgainFunc seals the range of a loss from its source's file into the spool; false says that
// this cannot be.
type sealAgainFunc func(*table.Loss) (bool, error)

// TakeBackAll takes back what was declared lost of a source, range by range, and forgets each that is
// taken back, or cannot be: what a file has of a source does not change.
func (w *Writer) TakeBackAll(ctx context.Context, again sealAgainFunc) error {
	for len(w.Src.Lost) > 0 {
		r := w.Src.Lost[0]
		err := w.WhenThereIsRoom(ctx, func() error { return w.takeBack(ctx, r, again) })
		if err != nil {
			return fmt.Errorf("take back %v of source %s: %w", r, w.Key.ID, err)
		}
	}
	return nil
}

func (w *Writer) takeBack(ctx context.Context, r source.Range, again sealAgainFunc) error {
	loss, err := w.lossStands(ctx, r)
	if err != nil {
		return err
	}
	if loss != nil {
		if err := w.takeBackLoss(ctx, r, loss, again); err != nil {
			return err
		}
	}
	err = w.Ledger.Update(w.Key, func(s *offsets.Source) error {
		if s.Serial != w.Src.Serial || !slices.Contains(s.Lost, r) {
			return fmt.Errorf("forget that %v was lost: %w", r, ErrAgain) // it is another source by now
		}
		s.Lost = slices.DeleteFunc(slices.Clone(s.Lost), func(x source.Range) bool { return x == r })
		return nil
	})
	if err != nil {
		return err
	}
	return w.Refresh()
}

func (w *Writer) takeBackLoss(
	ctx context.Context, r source.Range, loss *table.Loss, again sealAgainFunc,
) error {
	can, err := again(loss)
	if err != nil || !can {
		return err
	}
	if err := w.ClearOvertaken(ctx); err != nil {
		return err
	}
	if loss, err = w.lossStands(ctx, r); err != nil || loss == nil {
		return err
	}
	return Stop(Changed, w.Path, "the spool has lost %v of source %s while it was taken back; it is "+
		"done again when the file is read again", r, w.Key.ID)
}

// lossStands gives a declared loss that nobody has taken back and that anybody would want back, nil
// for none. What is damaged there is for verify to tell.
func (w *Writer) lossStands(ctx context.Context, r source.Range) (*table.Loss, error) {
	body, err := sink.GetDocument(ctx, w.Store, table.ManifestKey(w.Key, r.Start))
	if errors.Is(err, sink.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := parsePlaced(body)
	if err != nil || p.Loss == nil || p.Loss.Reason == table.NotWanted || p.Range() != r {
		return nil, nil
	}
	_, err = sink.GetDocument(ctx, w.Store, table.FoundKey(w.Key, r.Start))
	if errors.Is(err, sink.ErrNotFound) {
		return p.Loss, nil
	}
	return nil, err
}

// sealAgainInTurn is sealAgain for a load, which has the file in hand to its end.
func (w *Writer) sealAgainInTurn(ctx context.Context) sealAgainFunc {
	var marks LostMarks
	return func(loss *table.Loss) (bool, error) {
		endTurn, err := w.TakeTurn(ctx)
		if err != nil {
			return false, err
		}
		defer endTurn()
		if err := marks.Find(ctx, w, loss); err != nil {
			return false, err
		}
		return w.SealAgain(ctx, loss, marks)
	}
}

// LostMarks are the Points of a file at the ends of ranges that were declared lost. To find them takes a
// look at all of the file, so those of all ranges are found at once.
type LostMarks map[int64]source.Point

// Find finds those of a loss, and of all that the ledger knows of by now, unless it has them.
func (l *LostMarks) Find(ctx context.Context, w *Writer, loss *table.Loss) error {
	_, begins := (*l)[loss.Start]
	if _, ends := (*l)[*loss.End]; begins && ends {
		return nil
	}
	at := []int64{loss.Start, *loss.End}
	for _, r := range w.Src.Lost {
		at = append(at, r.Start, r.End)
	}
	slices.Sort(at)
	marks, _, err := MarksTo(ctx, w.File, slices.Compact(at))
	if err != nil {
		return err
	}
	marks[0] = source.Origin()
	*l = marks
	return nil
}

// SealAgain seals the range of a loss from the file into the spool, aside.
func (w *Writer) SealAgain(
	ctx context.Context, loss *table.Loss, marks LostMarks,
) (bool, error) {
	r := source.Range{Start: loss.Start, End: *loss.End}
	at, has := marks[r.Start]
	if end := marks[r.End]; !has || at.Chain != loss.ChainIn || end.Chain != *loss.ChainOut {
		w.cannotTakeBack(r, "the file does not have its bytes")
		return false, nil
	}
	var err error
	if at.Carry, err = w.restAt(ctx, r.Start); err != nil {
		return false, err
	}
	stream := *w.Stream
	stream.Rejects.Halt = false // that was judged when it was sealed first
	again := &Writer{
		Engine: w.Engine, Key: w.Key, K: w.K, Path: w.Path, Stream: &stream, File: w.File, Head: w.Head,
		State: w.State, Src: &offsets.Source{K: w.K, Sealed: at, LastStart: -1},
	}
	w.DropReader() // a file has one at a time
	if err := again.openReader(ctx); err != nil {
		return false, err
	}
	again.reader.stopped = ctx.Err
	again.reader.BeginAgain(r.Start, r.End)
	can := false
	_, err = again.sealBegun(math.MaxInt, func(stage Stage, b *seal.Batch) error {
		can = b.Manifest.Range() == r && b.Manifest.ChainOut == *loss.ChainOut
		if !can {
			return nil
		}
		return w.keepAside(stage, b)
	})
	if err == nil && !can {
		w.cannotTakeBack(r, "sealed under the stream as it is now it would be another range")
	}
	return can, err
}

func (w *Writer) cannotTakeBack(r source.Range, why string) {
	w.Log.Warn("a loss cannot be taken back: "+why, append(LogSource(w.Key), "path", w.Path,
		"range", r.String())...)
}

// keepAside makes a batch durable that the bucket has passed.
func (w *Writer) keepAside(stage Stage, b *seal.Batch) error {
	e := EntryOf(b.Manifest)
	whole, err := w.SpooledWhole(e)
	if err != nil {
		return err
	}
	if !whole { // what is left of it would be taken for this one
		if err := w.Spool.Remove(e.Spool); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := w.toSpool(stage, b); err != nil {
		return err
	}
	// Here the batch is durable in the spool. If we die now, the next start finds that the bucket has
	// passed it, and puts it as what takes the loss back.
	w.Spool.Hold(e.Spool)
	w.Aside.add(w.Key, b.Manifest)
	w.count(b)
	return nil
}

// restAt asks the sink what the batch that ends at off carries over, if the format does so.
func (w *Writer) restAt(ctx context.Context, off int64) (source.Carry, error) {
	if off == 0 || !w.Stream.Parser.Joins() {
		return source.Carry{}, nil
	}
	starts, err := w.listStarts(ctx, w.Key)
	if err != nil {
		return source.Carry{}, err
	}
	if i, _ := slices.BinarySearch(starts, off); i > 0 {
		m, err := w.manifestAt(ctx, w.Key, starts[i-1])
		if err != nil {
			return source.Carry{}, err
		}
		if m.End == off {
			return m.Rest, nil
		}
	}
	ms, _, err := w.walk(ctx, w.Key) // the list was not complete
	if err != nil {
		return source.Carry{}, err
	}
	for _, m := range ms {
		if m.End == off {
			return m.Rest, nil
		}
	}
	return source.Carry{}, fmt.Errorf("no batch of source %s ends at %d: %w", w.Key.ID, off, ErrAgain)
}

// findAgain puts a batch of the spool as what takes the loss at its start back; false says that the
// spool no longer has it whole. If another's batch has done so, what is ours alone goes.
func (w *Writer) findAgain(ctx context.Context, m *table.Manifest) (whole bool, err error) {
	e := EntryOf(m)
	err = w.putAs(ctx, e, true, table.FoundKey(w.Key, m.Start))
	switch {
	case err == nil:
		w.Log.Info("what was declared lost is found", append(LogSource(w.Key), "range",
			m.Range().String())...)
		return true, nil
	case errors.Is(err, errAskAgain):
		return true, w.deleteNotFound(ctx, m)
	case ctx.Err() == nil:
		if whole, unread := w.SpooledWhole(e); !whole && unread == nil {
			return false, nil // what was put of it may be named by another's
		}
	}
	return false, err
}

// deleteNotFound deletes the objects of a batch that the one which took the loss back does not name.
func (w *Writer) deleteNotFound(ctx context.Context, m *table.Manifest) error {
	name := table.FoundKey(w.Key, m.Start)
	body, err := sink.GetDocument(ctx, w.Store, name)
	if err != nil {
		return err
	}
	there, err := table.ParseManifest(body)
	if err != nil || there.ValidateFor(name) != nil {
		return nil // it is damaged, and may name them
	}
	return w.deleteUnnamed(ctx, m, there)
}
