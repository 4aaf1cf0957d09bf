package commit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// RecoverSpool is what every start does first, whatever the age of ledger and spool: clear what a
// crash left half done, and find a place for each complete batch that no outbox has.
func (r *recovery) RecoverSpool(ctx context.Context) error {
	return r.recoverWith(func(m *table.Manifest) error { return r.place(ctx, m) })
}

// RecoverLocally is RecoverSpool while the sink may not be reached: what only the sink can place is
// set aside until it is.
func (r *recovery) RecoverLocally() error {
	return r.recoverWith(func(m *table.Manifest) error {
		key := m.SourceKey()
		w, err := r.SourceOf(key, m.K)
		if err != nil {
			return err
		}
		if chainsOn(w.Src, m) {
			return w.Orphans.enter(m)
		}
		r.Spool.Hold(m.BatchName().String())
		r.OrphanBatches.add(key, m)
		return nil
	})
}

func (r *recovery) recoverWith(place func(*table.Manifest) error) error {
	batches, err := r.Spool.Recover()
	if err != nil {
		return fmt.Errorf("recover the spool: %w", err)
	}
	known, err := r.outboxNames()
	if err != nil {
		return err
	}
	var strays []*table.Manifest
	for _, b := range batches {
		if known[b.Name] {
			continue
		}
		p, err := parseRecord(b.Manifest)
		if err != nil {
			return fmt.Errorf("read %s in the spool: %w; move that folder out of the spool and "+
				"run again: the batch is then cut again from its file", b.Name, err)
		}
		strays = append(strays, p.Manifest)
	}
	slices.SortStableFunc(strays, func(a, b *table.Manifest) int { return cmp.Compare(a.Start, b.Start) })
	for _, m := range strays {
		if err := place(m); err != nil {
			return err
		}
	}
	return nil
}

func (r *recovery) outboxNames() (map[string]bool, error) {
	names := map[string]bool{}
	err := r.eachWaiting(func(_ source.Key, src *offsets.Source) error {
		for _, e := range src.Outbox {
			names[e.Spool] = true
		}
		return nil
	})
	return names, err
}

// place finds out what a complete batch that no outbox has is: one that was killed before its
// transaction, or whose ledger is older than the spool or lost.
func (r *recovery) place(ctx context.Context, m *table.Manifest) error {
	key := m.SourceKey()
	w, err := r.SourceOf(key, m.K)
	if err != nil {
		return err
	}
	defer w.CloseOwn()
	if !chainsOn(w.Src, m) && len(w.Src.Outbox) == 0 {
		if err := r.OrPending(key, AsFault(w.Src.Path, w.fill(ctx))); err != nil {
			return err
		}
	}
	switch {
	case chainsOn(w.Src, m):
		return w.Orphans.enter(m)
	case m.End <= w.Src.Shipped:
		err := w.Orphans.dropOvertaken(ctx, m)
		if !errors.As(err, new(*StopError)) {
			return err
		}
		if err := r.OrPending(key, err); err != nil {
			return err
		}
	}
	r.Spool.Hold(m.BatchName().String())
	r.OrphanBatches.add(key, m)
	return nil
}

// OrPending keeps what stops one source, and no other, for when its file turns up.
func (r *Engine) OrPending(key source.Key, err error) error {
	var stopped *StopError
	if !errors.As(err, &stopped) {
		return err
	}
	r.Pending.set(key, stopped.Problem)
	return nil
}

// SourceOf takes up a source of which no file is at hand. If the ledger does not have it, k is its
// ordinal.
func (r *Engine) SourceOf(key source.Key, k uint64) (*Writer, error) {
	w, ok, err := r.HeldSource(key)
	if !ok && err == nil {
		w = r.workOf(key, &offsets.Source{K: k, Sealed: source.Origin(), LastStart: -1})
	}
	return w, err
}

// HeldSource takes up a source that the ledger has; false when it does not.
func (r *Engine) HeldSource(key source.Key) (*Writer, bool, error) {
	src, ok, err := r.Ledger.Get(key)
	if err != nil || !ok {
		return nil, false, err
	}
	return r.workOf(key, src), true, nil
}

func (r *Engine) workOf(key source.Key, src *offsets.Source) *Writer {
	w := newWriter(r, key, src.K)
	w.Path, w.Stream = src.Path, r.StreamOf(key.Table)
	w.take(src)
	return w
}

// StreamOf gives the stream of a table, nil when the config no longer has it.
func (r *Engine) StreamOf(t source.Table) *Stream {
	r.streamsMu.RLock()
	defer r.streamsMu.RUnlock()
	for i := range r.Streams {
		if r.Streams[i].Table() == t {
			return &r.Streams[i]
		}
	}
	return nil
}

// CurrentStreams gives the streams that there are now.
func (r *Engine) CurrentStreams() []Stream {
	r.streamsMu.RLock()
	defer r.streamsMu.RUnlock()
	return slices.Clone(r.Streams)
}

// TakeStreams makes these the streams. Those that are no longer among them can still ship.
func (r *Engine) TakeStreams(streams []Stream) {
	r.streamsMu.Lock()
	defer r.streamsMu.Unlock()
	r.Streams = slices.Clone(streams)
}

// fill brings a source with an empty outbox up to what the bucket has of it. Its file is proved
// again before anything is cut from it, so the remembered state goes.
func (w *Writer) fill(ctx context.Context) error {
	ms, barrier, err := w.Bucket.walk(ctx, w.Key)
	if err != nil || len(ms) == 0 {
		return err
	}
	last := ms[len(ms)-1]
	if last.End <= w.Src.Sealed.Offset {
		return nil
	}
	if same, err := w.sameAs(ms); !same || err != nil {
		return err
	}
	if same, err := w.askFile(ctx, last); !same || err != nil {
		return err
	}
	w.ForgetFile()
	return w.updateAsSeen(func(s *offsets.Source) error {
		s.File, s.Marker = offsets.FileState{}, source.Digest{}
		s.Sealed = pointOf(last)
		s.Shipped, s.LastStart, s.OpenEnd, s.Barrier = last.End, last.Start, last.OpenEnd, barrier
		s.Highest = max(s.Highest, last.End)
		for _, m := range ms {
			addEnds(s, m)
			if isLoss(m) {
				s.AddLost(m.Range())
			}
		}
		return nil
	})
}

// askFile lets the source's file, if that is there, say whether it is what the last manifest ends. One that
// is too short to tell may be another log: the source does not go on without it.
func (w *Writer) askFile(ctx context.Context, last *table.Manifest) (bool, error) {
	err := w.NeedFile(ctx)
	if errors.As(err, new(*StopError)) {
		return true, nil // it is proved when it comes, before anything is cut from it
	}
	if err != nil {
		return false, err
	}
	marks, _, err := MarksTo(ctx, w.File, []int64{last.End})
	return marks[last.End].Chain == last.ChainOut, err
}

// sameAs reports whether manifests speak of the source that the ledger knows: one of them ends where
// it is shipped to, and no chain disagrees.
func (w *Writer) sameAs(ms []*table.Manifest) (bool, error) {
	known, err := w.pointsOf()
	if err != nil {
		return false, err
	}
	meets := w.Src.Shipped == 0
	for _, m := range ms {
		for _, end := range endsOf(m) {
			if chain, ok := known.At(end.Offset); ok && chain != end.Chain {
				return false, nil
			}
		}
		meets = meets || m.End == w.Src.Shipped
	}
	return meets, nil
}

// shipWaiting ships what earlier runs left in the outbox: sources side by side, but those of a lower
// k first, since a source's first batch waits for those below it. A source that needs its file and
// does not find it is left for when the file is settled.
func (r *recovery) shipWaiting(ctx context.Context) error {
	waiting := map[uint64][]*Writer{}
	err := r.eachWaiting(func(key source.Key, src *offsets.Source) error {
		w := r.workOf(key, src)
		waiting[w.K] = append(waiting[w.K], w)
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(waiting)) {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(r.InHand)
		for _, w := range waiting[k] {
			g.Go(func() error { return w.Shipper.shipAlone(ctx) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// shipAlone ships what waits of one source, and leaves it for later when it cannot.
func (h *shipper) shipAlone(ctx context.Context) error {
	err := AsFault(h.Src.Path, h.ShipLeft(ctx))
	var stopped *StopError
	switch {
	case errors.As(err, &stopped):
		h.Hold()
		h.Pending.set(h.Key, stopped.Problem)
	case errors.Is(err, ErrSettleAgain):
		h.DroppedPaths.Store(h.Src.Path, true)
	default:
		return err
	}
	return nil
}

// ShipLeft ships what waits of one source, and what is aside of it as far as ledger and bucket lead
// up to it.
func (h *shipper) ShipLeft(ctx context.Context) error {
	defer h.CloseOwn()
	if err := h.CheckBehind(ctx); err != nil {
		return err
	}
	for {
		if err := h.Ship(ctx); err != nil {
			return err
		}
		more, err := h.Orphans.TakeSpooled()
		if err == nil && !more {
			more, err = h.CatchUp(ctx)
		}
		if err != nil || !more {
			return err
		}
	}
}

// CatchUp fills a source that has batches aside from the bucket, and reports whether that led on.
func (h *shipper) CatchUp(ctx context.Context) (bool, error) {
	if len(h.OrphanBatches.Of(h.Key)) == 0 {
		return false, nil
	}
	before := h.Src.Sealed.Offset
	if err := h.fill(ctx); err != nil {
		return false, err
	}
	if err := h.Orphans.ClearOvertaken(ctx); err != nil {
		return false, err
	}
	return h.Src.Sealed.Offset > before, nil
}

// CloseOwn closes the file that this writer opened itself, if any.
func (w *Writer) CloseOwn() {
	if w.opened {
		w.File.Close()
		w.File, w.opened = nil, false
	}
}

// recovery brings ledger, spool and bucket to where they agree: the functions are those of normal running.
type recovery struct {
	*Engine

	OrphanObjects orphanObjects // read only once the workers start
	unsent        unsent
}
