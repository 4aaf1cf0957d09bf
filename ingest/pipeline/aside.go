package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"

	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// aside holds complete batches of the spool that no outbox has, by source and in order of their
// start: they wait for the source's sealed offset to come to them or to pass them.
type aside struct {
	mu sync.Mutex
	by map[source.Key][]*seal.Manifest
}

func (a *aside) of(key source.Key) []*seal.Manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.by[key])
}

func (a *aside) add(key source.Key, m *seal.Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[source.Key][]*seal.Manifest{}
	}
	i, _ := slices.BinarySearchFunc(a.by[key], m, func(x, y *seal.Manifest) int {
		return int(min(1, max(-1, x.Start-y.Start)))
	})
	a.by[key] = slices.Insert(a.by[key], i, m)
}

func (a *aside) remove(key source.Key, m *seal.Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by[key] = slices.DeleteFunc(a.by[key], func(x *seal.Manifest) bool { return x == m })
}

// left lists what is still aside.
func (a *aside) left() []*seal.Manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []*seal.Manifest
	for _, ms := range a.by {
		all = append(all, ms...)
	}
	return all
}

// setAside moves batches from the outbox aside; those whose files are gone are only forgotten.
func (w *work) setAside(batches []offsets.Entry) error {
	for _, e := range batches {
		p, _, err := w.spooled(e.Spool)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		w.Spool.Hold(e.Spool)
		w.aside.add(w.key, p.Manifest)
		w.uncount(e)
	}
	return nil
}

// takeSpooled enters a batch that is aside and starts just at the sealed offset into the outbox:
// it need not be cut again.
func (w *work) takeSpooled() (bool, error) {
	for _, m := range w.aside.of(w.key) {
		if !chainsOn(w.src, m) {
			continue
		}
		w.aside.remove(w.key, m)
		w.dropReader()
		return true, w.enter(m)
	}
	return false, nil
}

func chainsOn(s *offsets.Source, m *seal.Manifest) bool {
	return m.Start == s.Sealed.Offset && m.ChainIn == s.Sealed.Chain
}

// enter puts a complete batch of the spool that chains on to the sealed offset into the outbox.
func (w *work) enter(m *seal.Manifest) error {
	e, end := entryOf(m), pointOf(m)
	return w.update(func(s *offsets.Source) error {
		appendBatch(s, e, end)
		s.OpenEnd, s.Marker = m.OpenEnd, source.Digest{}
		return nil
	})
}

// unknownLine stands where only a manifest told the Point: it does not say where the line at its
// end began, so the file is asked before it goes on there.
const unknownLine = -1

// pointOf is the end of a batch as far as its manifest tells.
func pointOf(m *seal.Manifest) source.Point {
	return source.Point{
		Offset: m.End, Chain: m.ChainOut, State: m.ChainState, Line: unknownLine, Carry: m.Rest,
	}
}

// clearOvertaken takes the batches that the bucket has passed to their end out of the spool.
func (r *run) clearOvertaken(ctx context.Context, key source.Key, shipped int64) error {
	for _, m := range r.aside.of(key) {
		if m.End > shipped {
			continue
		}
		if err := r.dropOvertaken(ctx, key, m); err != nil {
			return err
		}
		r.aside.remove(key, m)
	}
	return nil
}

// dropOvertaken deletes the objects of a batch that the bucket has passed to its end, unless the
// manifest at its start names them, then its files. Where its bytes were declared lost it takes that
// back.
func (r *run) dropOvertaken(ctx context.Context, key source.Key, m *seal.Manifest) error {
	there, err := r.manifestAt(ctx, key, m.Start)
	if err != nil && !errors.Is(err, sink.ErrNotFound) {
		return err
	}
	if there != nil && takesBack(m, there) {
		w, err := r.sourceOf(key, m.K)
		if err != nil {
			return err
		}
		whole, err := w.findAgain(ctx, m)
		if err != nil {
			return err
		}
		if whole {
			w.tally.add(func(r *Report) { r.Shipped++ })
		}
	} else if err := r.deleteUnnamed(ctx, m, there); err != nil {
		return err
	}
	return r.Spool.Remove(entryOf(m).Spool)
}
