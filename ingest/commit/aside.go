package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// aside holds complete batches of the spool that no outbox has, by source and in order of their
// start: they wait for the source's sealed offset to come to them or to pass them.
type aside struct {
	mu sync.Mutex
	by map[source.Key][]*table.Manifest
}

func (a *aside) Of(key source.Key) []*table.Manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.by[key])
}

func (a *aside) add(key source.Key, m *table.Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[source.Key][]*table.Manifest{}
	}
	i, _ := slices.BinarySearchFunc(a.by[key], m, func(x, y *table.Manifest) int {
		return int(min(1, max(-1, x.Start-y.Start)))
	})
	a.by[key] = slices.Insert(a.by[key], i, m)
}

func (a *aside) remove(key source.Key, m *table.Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by[key] = slices.DeleteFunc(a.by[key], func(x *table.Manifest) bool { return x == m })
}

// Sources lists those of which something is aside.
func (a *aside) Sources() []source.Key {
	a.mu.Lock()
	defer a.mu.Unlock()
	var keys []source.Key
	for key, batches := range a.by {
		if len(batches) > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// Left lists what is still aside.
func (a *aside) Left() []*table.Manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []*table.Manifest
	for _, ms := range a.by {
		all = append(all, ms...)
	}
	return all
}

// inSpool gives those of the batches that the spool still has.
func (r *Engine) inSpool(batches []offsets.Entry) (all []*table.Manifest, err error) {
	for _, e := range batches {
		p, ok, err := r.spooledIfAny(e.Spool)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, p.Manifest)
		}
	}
	return all, nil
}

// setAside moves batches aside that were in the outbox until now.
func (w *Writer) setAside(batches []*table.Manifest) {
	for _, m := range batches {
		w.Spool.Hold(EntryOf(m).Spool)
		w.Aside.add(w.Key, m)
	}
}

// TakeSpooled enters a batch that is aside and starts just at the sealed offset into the outbox:
// it need not be cut again.
func (w *Writer) TakeSpooled() (bool, error) {
	for _, m := range w.Aside.Of(w.Key) {
		if !chainsOn(w.Src, m) {
			continue
		}
		w.Aside.remove(w.Key, m)
		w.DropReader()
		return true, w.enter(m)
	}
	return false, nil
}

func chainsOn(s *offsets.Source, m *table.Manifest) bool {
	return m.Start == s.Sealed.Offset && m.ChainIn == s.Sealed.Chain
}

// enter puts a complete batch of the spool that chains on to the sealed offset into the outbox.
func (w *Writer) enter(m *table.Manifest) error {
	return w.Update(func(s *offsets.Source) error {
		AppendBatch(s, m, pointOf(m))
		s.OpenEnd, s.Marker = m.OpenEnd, source.Digest{}
		return nil
	})
}

// UnknownLine stands where only a manifest told the Point: it does not say where the line at its
// end began, so the file is asked before it goes on there.
const UnknownLine = -1

// pointOf is the end of a batch as far as its manifest tells.
func pointOf(m *table.Manifest) source.Point {
	return source.Point{
		Offset: m.End, Chain: m.ChainOut, State: m.ChainState, Line: UnknownLine, Carry: m.Rest,
	}
}

// ClearOvertaken takes the batches that the bucket has passed to their end out of the spool.
func (w *Writer) ClearOvertaken(ctx context.Context) error {
	for _, m := range w.Aside.Of(w.Key) {
		if m.End > w.Src.Shipped {
			continue
		}
		if err := w.dropOvertaken(ctx, m); err != nil {
			return err
		}
		w.Aside.remove(w.Key, m)
	}
	return nil
}

// dropOvertaken deletes the objects of a batch that the bucket has passed to its end, unless the
// manifest at its start names them, then its files. Where its bytes were declared lost it takes that
// back.
//
// The files of a batch that may be of another log than the bucket's are all that is left of those bytes:
// they are set apart.
func (w *Writer) dropOvertaken(ctx context.Context, m *table.Manifest) error {
	there, err := w.manifestAt(ctx, w.Key, m.Start)
	if err != nil && !errors.Is(err, sink.ErrNotFound) {
		return err
	}
	same, err := w.hasBytes(ctx, m, there)
	if err != nil {
		return err
	}
	if there != nil && takesBack(m, there) {
		whole, err := w.findAgain(ctx, m)
		if err != nil {
			return err
		}
		if whole {
			w.Tally.Add(func(r *Report) { r.Shipped++ })
		}
	} else if err := w.deleteUnnamed(ctx, m, there); err != nil {
		return err
	}
	e := EntryOf(m)
	if same {
		return w.Spool.Remove(e.Spool)
	}
	if err := w.Spool.SetApart(e.Spool); err != nil {
		return fmt.Errorf("set %s apart in the spool: %w", e.Spool, err)
	}
	w.sayHeld()
	return nil
}

// hasBytes reports whether exactly the bytes of a batch are in the sink, whatever batches they are in: by a
// manifest, by the ledger or by the source's file. Before all files that there are have had their turn,
// one of them may still tell: then a no is a *stopError.
func (w *Writer) hasBytes(ctx context.Context, m, there *table.Manifest) (bool, error) {
	if overlaps(w.Src.Lost, m.Range()) && (there == nil || !takesBack(m, there)) {
		return false, nil // the sink lacks some of them
	}
	same, err := w.sourceHas(ctx, m, there)
	if same || err != nil && !errors.As(err, new(*StopError)) {
		return same, err
	}
	if f, release := w.Families.UseOf(w.Key); f != nil {
		defer release()
		if has, err := w.familyHas(f, m); has || err != nil {
			return has, err // it was sealed under a wrong ordinal
		}
	}
	if w.AllTold() {
		return false, nil
	}
	w.Hopeless.Store(w.Key, true)
	if err == nil {
		err = Stop(Gone, w.Src.Path, "what is in the spool of source %s, %v, is not what the sink has of it: "+
			"give its file to `ingest load`", w.Key.ID, m.Range())
	}
	return false, err
}

// sourceHas reports whether the source has the chain of a batch at its end.
func (w *Writer) sourceHas(ctx context.Context, m, there *table.Manifest) (bool, error) {
	if there != nil && there.End == m.End {
		return there.ChainOut == m.ChainOut, nil
	}
	h, err := readHeld(w.Ledger, w.Key)
	if err != nil {
		return false, err
	}
	if chain, ok := h.points.At(m.End); ok {
		return chain == m.ChainOut, nil
	}
	if err := w.NeedFile(ctx); err != nil {
		return false, AsFault(w.Src.Path, err)
	}
	marks, _, err := MarksTo(ctx, w.File, []int64{m.End, w.Src.Sealed.Offset})
	if err != nil {
		return false, AsFault(w.Src.Path, err)
	}
	isSource := marks[w.Src.Sealed.Offset].Chain == w.Src.Sealed.Chain
	return isSource && marks[m.End].Chain == m.ChainOut, nil
}
