package commit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// orphanBatches holds complete batches of the spool that no outbox has, by source and in order of their
// start: they wait for the source's sealed offset to come to them or to pass them.
type orphanBatches struct {
	mu sync.Mutex
	by map[source.Key][]*table.Manifest
}

// Of gives the orphan batches of a source, in their order.
func (a *orphanBatches) Of(key source.Key) []*table.Manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.by[key])
}

func (a *orphanBatches) add(key source.Key, m *table.Manifest) {
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

func (a *orphanBatches) remove(key source.Key, m *table.Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by[key] = slices.DeleteFunc(a.by[key], func(x *table.Manifest) bool { return x == m })
}

// Sources lists those of which something is aside.
func (a *orphanBatches) Sources() []source.Key {
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
func (a *orphanBatches) Left() []*table.Manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []*table.Manifest
	for _, ms := range a.by {
		all = append(all, ms...)
	}
	return all
}

// inSpool gives those of the batches that the spool still has.
func (r *recovery) inSpool(batches []offsets.Entry) (all []*table.Manifest, err error) {
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
func (p *orphans) setAside(batches []*table.Manifest) {
	for _, m := range batches {
		p.Spool.Hold(EntryOf(m).Spool)
		p.OrphanBatches.add(p.Key, m)
	}
}

// TakeSpooled enters a batch that is aside and starts just at the sealed offset into the outbox:
// it need not be cut again.
func (p *orphans) TakeSpooled() (bool, error) {
	for _, m := range p.OrphanBatches.Of(p.Key) {
		if !chainsOn(p.Src, m) {
			continue
		}
		p.OrphanBatches.remove(p.Key, m)
		p.Cutter.DropReader()
		return true, p.enter(m)
	}
	return false, nil
}

func chainsOn(s *offsets.Source, m *table.Manifest) bool {
	return m.Start == s.Sealed.Offset && m.ChainIn == s.Sealed.Chain
}

// enter puts a complete batch of the spool that chains on to the sealed offset into the outbox.
func (p *orphans) enter(m *table.Manifest) error {
	return p.Update(func(s *offsets.Source) error {
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
func (p *orphans) ClearOvertaken(ctx context.Context) error {
	for _, m := range p.OrphanBatches.Of(p.Key) {
		if m.End > p.Src.Shipped {
			continue
		}
		if err := p.dropOvertaken(ctx, m); err != nil {
			return err
		}
		p.OrphanBatches.remove(p.Key, m)
	}
	return nil
}

// dropOvertaken deletes the objects of a batch that the bucket has passed to its end, unless the
// manifest at its start names them, then its files. Where its bytes were declared lost it takes that
// back.
//
// The files of a batch that may be of another log than the bucket's are all that is left of those bytes:
// they are set apart.
func (p *orphans) dropOvertaken(ctx context.Context, m *table.Manifest) error {
	there, err := p.Bucket.manifestAt(ctx, p.Key, m.Start)
	if err != nil && !errors.Is(err, sink.ErrNotFound) {
		return err
	}
	same, err := p.hasBytes(ctx, m, there)
	if err != nil {
		return err
	}
	if there != nil && takesBack(m, there) {
		whole, err := p.Retrieval.findAgain(ctx, m)
		if err != nil {
			return err
		}
		if whole {
			p.Counters.Add(func(r *Report) { r.Shipped++ })
		}
	} else if err := p.Bucket.deleteUnnamed(ctx, m, there); err != nil {
		return err
	}
	e := EntryOf(m)
	if same {
		return p.Spool.Remove(e.Spool)
	}
	if err := p.Spool.SetApart(e.Spool); err != nil {
		return fmt.Errorf("set %s apart in the spool: %w", e.Spool, err)
	}
	p.sayHeld()
	return nil
}

// hasBytes reports whether exactly the bytes of a batch are in the sink, whatever batches they are in: by a
// manifest, by the ledger or by the source's file. Before all files that there are have had their turn,
// one of them may still tell: then a no is a *StopError.
func (p *orphans) hasBytes(ctx context.Context, m, there *table.Manifest) (bool, error) {
	if overlaps(p.Src.Lost, m.Range()) && (there == nil || !takesBack(m, there)) {
		return false, nil // the sink lacks some of them
	}
	same, err := p.sourceHas(ctx, m, there)
	if same || err != nil && !errors.As(err, new(*StopError)) {
		return same, err
	}
	if f, release := p.Sources.Families.UseOf(p.Key); f != nil {
		defer release()
		if has, err := p.familyHas(f, m); has || err != nil {
			return has, err // it was sealed under a wrong ordinal
		}
	}
	if p.AllTold() {
		return false, nil
	}
	p.Hopeless.Store(p.Key, true)
	if err == nil {
		err = Stop(Gone, p.Src.Path, "what is in the spool of source %s, %v, is not what the sink has of it: "+
			"give its file to `ingest load`", p.Key.ID, m.Range())
	}
	return false, err
}

// sourceHas reports whether the source has the chain of a batch at its end.
func (p *orphans) sourceHas(ctx context.Context, m, there *table.Manifest) (bool, error) {
	if there != nil && there.End == m.End {
		return there.ChainOut == m.ChainOut, nil
	}
	h, err := readHeld(p.Ledger, p.Key)
	if err != nil {
		return false, err
	}
	if chain, ok := h.points.At(m.End); ok {
		return chain == m.ChainOut, nil
	}
	if err := p.NeedFile(ctx); err != nil {
		return false, AsFault(p.Src.Path, err)
	}
	marks, _, err := MarksTo(ctx, p.File, []int64{m.End, p.Src.Sealed.Offset})
	if err != nil {
		return false, AsFault(p.Src.Path, err)
	}
	isSource := marks[p.Src.Sealed.Offset].Chain == p.Src.Sealed.Chain
	return isSource && marks[m.End].Chain == m.ChainOut, nil
}

// orphans are batches in the spool that no outbox has: they are entered again, or set apart.
type orphans struct {
	*Writer
}

// What the spool cannot give now, for want of a file handle or because the disk fails, is not gone: it
// is asked again. Gone is what does not exist, and what is not what it was.

// Spooled reads what a batch of the spool says of itself.
func (r *recovery) Spooled(name string) (commitRecord, []byte, error) {
	body, err := r.Spool.Manifest(name)
	if err != nil {
		return commitRecord{}, nil, fmt.Errorf("read %s in the spool: %w", name, err)
	}
	p, err := parseRecord(body)
	if err != nil {
		return commitRecord{}, nil, fmt.Errorf("read %s in the spool: %w", name, err)
	}
	return p, body, nil
}

// spooledIfAny is Spooled for who can do without: false when the batch is gone.
func (r *recovery) spooledIfAny(name string) (commitRecord, bool, error) {
	body, err := r.Spool.Manifest(name)
	if errors.Is(err, fs.ErrNotExist) {
		return commitRecord{}, false, nil
	}
	if err != nil {
		return commitRecord{}, false, fmt.Errorf("read %s in the spool: %w", name, err)
	}
	p, err := parseRecord(body)
	return p, err == nil && p.BatchName().String() == name, nil
}

// SpooledWhole reports whether the spool still has a batch of the outbox with the bytes that its
// manifest names. It is asked only when the batch could not be put.
func (p *orphans) SpooledWhole(e offsets.Entry) (bool, error) {
	m, ok, err := p.Recovery.spooledIfAny(e.Spool)
	if err != nil || !ok || m.Loss != nil {
		return ok, err
	}
	want := []source.Digest{}
	for _, o := range m.Objects {
		want = append(want, o.SHA256)
	}
	for i, digest := range append(want, m.Epoch) {
		have, err := p.spooledDigest(e.Spool, i)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %s in the spool: %w", e.Spool, err)
		}
		if have != digest {
			return false, nil
		}
	}
	return true, nil
}

func (p *orphans) spooledDigest(name string, i int) (source.Digest, error) {
	f, err := p.Spool.Open(name, i)
	if err != nil {
		return source.Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return source.Digest{}, err
	}
	return source.Digest(h.Sum(nil)), nil
}
