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

// takesBack reports whether a batch holds just the bytes that were declared lost where it starts.
func takesBack(m, there *table.Manifest) bool {
	return isLoss(there) && !isLoss(m) && m.Range() == there.Range() && m.ChainOut == there.ChainOut
}

// sealAgainFunc seals the range of a loss from its source's file into the spool; false says that
// this cannot be.
type sealAgainFunc func(*table.Loss) (bool, error)

// TakeBackAll takes back what was declared lost of a source, range by range, and forgets each that is
// taken back, or cannot be: what a file has of a source does not change.
func (t *retrieval) TakeBackAll(ctx context.Context, again sealAgainFunc) error {
	for len(t.Src.Lost) > 0 {
		r := t.Src.Lost[0]
		err := t.RetryWhileDiskFull(ctx, func() error { return t.takeBack(ctx, r, again) })
		if err != nil {
			return fmt.Errorf("take back %v of source %s: %w", r, t.Key.ID, err)
		}
	}
	return nil
}

func (t *retrieval) takeBack(ctx context.Context, r source.Range, again sealAgainFunc) error {
	loss, err := t.lossStands(ctx, r)
	if err != nil {
		return err
	}
	if loss != nil {
		if err := t.takeBackLoss(ctx, r, loss, again); err != nil {
			return err
		}
	}
	err = t.Ledger.Update(t.Key, func(s *offsets.Source) error {
		if s.Serial != t.Src.Serial || !slices.Contains(s.Lost, r) {
			return fmt.Errorf("forget that %v was lost: %w", r, ErrAgain) // it is another source by now
		}
		s.Lost = slices.DeleteFunc(slices.Clone(s.Lost), func(x source.Range) bool { return x == r })
		return nil
	})
	if err != nil {
		return err
	}
	return t.Shipper.Refresh()
}

func (t *retrieval) takeBackLoss(
	ctx context.Context, r source.Range, loss *table.Loss, again sealAgainFunc,
) error {
	can, err := again(loss)
	if err != nil || !can {
		return err
	}
	if err := t.Orphans.ClearOvertaken(ctx); err != nil {
		return err
	}
	if loss, err = t.lossStands(ctx, r); err != nil || loss == nil {
		return err
	}
	return Stop(Changed, t.Path, "the spool has lost %v of source %s while it was taken back; it is "+
		"sealed again when the file is read again", r, t.Key.ID)
}

// lossStands gives a declared loss that nobody has taken back and that anybody would want back, nil
// for none. What is damaged there is for verify to tell.
func (t *retrieval) lossStands(ctx context.Context, r source.Range) (*table.Loss, error) {
	body, err := sink.GetDocument(ctx, t.Store, table.ManifestKey(t.Key, r.Start))
	if errors.Is(err, sink.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := parseRecord(body)
	if err != nil || p.Loss == nil || p.Loss.Reason == table.NotWanted || p.Range() != r {
		return nil, nil
	}
	_, err = sink.GetDocument(ctx, t.Store, table.FoundKey(t.Key, r.Start))
	if errors.Is(err, sink.ErrNotFound) {
		return p.Loss, nil
	}
	return nil, err
}

// sealAgainInTurn is SealAgain for a load, which has the file in hand to its end.
func (t *retrieval) sealAgainInTurn(ctx context.Context) sealAgainFunc {
	var marks LostMarks
	return func(loss *table.Loss) (bool, error) {
		endTurn, err := t.TakeTurn(ctx)
		if err != nil {
			return false, err
		}
		defer endTurn()
		if err := marks.Find(ctx, t.Writer, loss); err != nil {
			return false, err
		}
		return t.SealAgain(ctx, loss, marks)
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
func (t *retrieval) SealAgain(
	ctx context.Context, loss *table.Loss, marks LostMarks,
) (bool, error) {
	r := source.Range{Start: loss.Start, End: *loss.End}
	at, has := marks[r.Start]
	if end := marks[r.End]; !has || at.Chain != loss.ChainIn || end.Chain != *loss.ChainOut {
		t.cannotTakeBack(r, "the file does not have its bytes")
		return false, nil
	}
	var err error
	if at.Carry, err = t.restAt(ctx, r.Start); err != nil {
		return false, err
	}
	stream := *t.Stream
	stream.Rejects.Halt = false // that was judged when it was sealed first
	again := newWriter(t.Engine, t.Key, t.K)
	again.Path, again.Stream, again.File, again.Head, again.State = t.Path, &stream, t.File, t.Head, t.State
	again.Src = &offsets.Source{K: t.K, Sealed: at, LastStart: -1}
	t.Cutter.DropReader() // a file has one at a time
	if err := again.Cutter.openReader(ctx); err != nil {
		return false, err
	}
	again.Cutter.reader.stopped = ctx.Err
	again.Cutter.reader.BeginAgain(r.Start, r.End)
	can := false
	_, err = again.Cutter.sealBegun(math.MaxInt, func(stage Stage, b *seal.Batch) error {
		can = b.Manifest.Range() == r && b.Manifest.ChainOut == *loss.ChainOut
		if !can {
			return nil
		}
		return t.keepAside(stage, b)
	})
	if err == nil && !can {
		t.cannotTakeBack(r, "sealed under the stream as it is now it would be another range")
	}
	return can, err
}

func (t *retrieval) cannotTakeBack(r source.Range, why string) {
	t.Log.Warn("a loss cannot be taken back: "+why, append(LogSource(t.Key), "path", t.Path,
		"range", r.String())...)
}

// keepAside makes a batch durable that the bucket has passed.
func (t *retrieval) keepAside(stage Stage, b *seal.Batch) error {
	e := EntryOf(b.Manifest)
	whole, err := t.Orphans.SpooledWhole(e)
	if err != nil {
		return err
	}
	if !whole { // what is left of it would be taken for this one
		if err := t.Spool.Remove(e.Spool); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := t.Cutter.toSpool(stage, b); err != nil {
		return err
	}
	// Here the batch is durable in the spool. If we die now, the next start finds that the bucket has
	// passed it, and puts it as what takes the loss back.
	t.Spool.Hold(e.Spool)
	t.OrphanBatches.add(t.Key, b.Manifest)
	t.Cutter.count(b)
	return nil
}

// restAt asks the sink what the batch that ends at off carries over, if the format does so.
func (t *retrieval) restAt(ctx context.Context, off int64) (source.Carry, error) {
	if off == 0 || !t.Stream.Parser.Joins() {
		return source.Carry{}, nil
	}
	starts, err := t.Bucket.listStarts(ctx, t.Key)
	if err != nil {
		return source.Carry{}, err
	}
	if i, _ := slices.BinarySearch(starts, off); i > 0 {
		m, err := t.Bucket.manifestAt(ctx, t.Key, starts[i-1])
		if err != nil {
			return source.Carry{}, err
		}
		if m.End == off {
			return m.Rest, nil
		}
	}
	ms, _, err := t.Bucket.walk(ctx, t.Key) // the list was not complete
	if err != nil {
		return source.Carry{}, err
	}
	for _, m := range ms {
		if m.End == off {
			return m.Rest, nil
		}
	}
	return source.Carry{}, fmt.Errorf("no batch of source %s ends at %d: %w", t.Key.ID, off, ErrAgain)
}

// findAgain puts a batch of the spool as what takes the loss at its start back; false says that the
// spool no longer has it whole. If another's batch has done so, what is ours alone goes.
func (t *retrieval) findAgain(ctx context.Context, m *table.Manifest) (whole bool, err error) {
	e := EntryOf(m)
	err = t.Shipper.putAs(ctx, e, true, table.FoundKey(t.Key, m.Start))
	switch {
	case err == nil:
		t.Log.Info("what was declared lost is found", append(LogSource(t.Key), "range",
			m.Range().String())...)
		return true, nil
	case errors.Is(err, errAskAgain):
		return true, t.deleteNotFound(ctx, m)
	case ctx.Err() == nil:
		if whole, unread := t.Orphans.SpooledWhole(e); !whole && unread == nil {
			return false, nil // what was put of it may be named by another's
		}
	}
	return false, err
}

// deleteNotFound deletes the objects of a batch that the one which took the loss back does not name.
func (t *retrieval) deleteNotFound(ctx context.Context, m *table.Manifest) error {
	name := table.FoundKey(t.Key, m.Start)
	body, err := sink.GetDocument(ctx, t.Store, name)
	if err != nil {
		return err
	}
	there, err := table.ParseManifest(body)
	if err != nil || there.ValidateFor(name) != nil {
		return nil // it is damaged, and may name them
	}
	return t.Bucket.deleteUnnamed(ctx, m, there)
}

// retrieval takes back what was declared lost, once the bytes turn up.
type retrieval struct {
	*Writer
}
