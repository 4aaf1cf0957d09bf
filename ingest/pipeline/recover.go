package pipeline

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

// recoverSpool is what every start does first, whatever the age of ledger and spool: clear what a
// crash left half done, and find a place for each complete batch that no outbox has.
func (r *run) recoverSpool(ctx context.Context) error {
	return r.recoverWith(func(m *table.Manifest) error { return r.place(ctx, m) })
}

// recoverLocally is recoverSpool while the sink may not be reached: what only the sink can place is
// set aside until it is.
func (r *run) recoverLocally() error {
	return r.recoverWith(func(m *table.Manifest) error {
		key := m.SourceKey()
		w, err := r.sourceOf(key, m.K)
		if err != nil {
			return err
		}
		if chainsOn(w.src, m) {
			return w.enter(m)
		}
		r.Spool.Hold(m.BatchName().String())
		r.aside.add(key, m)
		return nil
	})
}

func (r *run) recoverWith(place func(*table.Manifest) error) error {
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
		p, err := parsePlaced(b.Manifest)
		if err != nil {
			return fmt.Errorf("read %s in the spool: %w; move that folder out of the spool and "+
				"run again: the batch is cut anew from its file", b.Name, err)
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

func (r *run) outboxNames() (map[string]bool, error) {
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
func (r *run) place(ctx context.Context, m *table.Manifest) error {
	key := m.SourceKey()
	w, err := r.sourceOf(key, m.K)
	if err != nil {
		return err
	}
	defer w.closeOwn()
	if !chainsOn(w.src, m) && len(w.src.Outbox) == 0 {
		if err := r.orPending(key, asFault(w.src.Path, w.fill(ctx))); err != nil {
			return err
		}
	}
	switch {
	case chainsOn(w.src, m):
		return w.enter(m)
	case m.End <= w.src.Shipped:
		err := w.dropOvertaken(ctx, m)
		if !errors.As(err, new(*stopError)) {
			return err
		}
		if err := r.orPending(key, err); err != nil {
			return err
		}
	}
	r.Spool.Hold(m.BatchName().String())
	r.aside.add(key, m)
	return nil
}

// orPending keeps what stops one source, and no other, for when its file turns up.
func (r *run) orPending(key source.Key, err error) error {
	var stopped *stopError
	if !errors.As(err, &stopped) {
		return err
	}
	r.pending.set(key, stopped.Problem)
	return nil
}

// sourceOf takes up a source of which no file is at hand. If the ledger does not have it, k is its
// ordinal.
func (r *run) sourceOf(key source.Key, k uint64) (*work, error) {
	w, ok, err := r.heldSource(key)
	if !ok && err == nil {
		w = r.workOf(key, &offsets.Source{K: k, Sealed: source.Origin(), LastStart: -1})
	}
	return w, err
}

// heldSource takes up a source that the ledger has; false when it does not.
func (r *run) heldSource(key source.Key) (*work, bool, error) {
	src, ok, err := r.Ledger.Get(key)
	if err != nil || !ok {
		return nil, false, err
	}
	return r.workOf(key, src), true, nil
}

func (r *run) workOf(key source.Key, src *offsets.Source) *work {
	w := &work{
		run: r, key: key, k: src.K, path: src.Path, stream: r.streamOf(key.Table),
		counts: map[int64]Counts{},
	}
	w.take(src)
	return w
}

func (r *run) streamOf(t source.Table) *Stream {
	r.streamsMu.RLock()
	defer r.streamsMu.RUnlock()
	for i := range r.Streams {
		if r.Streams[i].Table() == t {
			return &r.Streams[i]
		}
	}
	return nil
}

// streams gives the streams that there are now.
func (r *run) streams() []Stream {
	r.streamsMu.RLock()
	defer r.streamsMu.RUnlock()
	return slices.Clone(r.Streams)
}

// takeStreams makes these the streams. Those that are no longer among them can still ship.
func (r *run) takeStreams(streams []Stream) {
	r.streamsMu.Lock()
	defer r.streamsMu.Unlock()
	r.Streams = slices.Clone(streams)
}

// fill brings a source with an empty outbox up to what the bucket has of it. Its file is proved
// again before anything is cut from it, so the remembered state goes.
func (w *work) fill(ctx context.Context) error {
	ms, barrier, err := w.walk(ctx, w.key)
	if err != nil || len(ms) == 0 {
		return err
	}
	last := ms[len(ms)-1]
	if last.End <= w.src.Sealed.Offset {
		return nil
	}
	if same, err := w.sameAs(ms); !same || err != nil {
		return err
	}
	if same, err := w.askFile(ctx, last); !same || err != nil {
		return err
	}
	w.forgetFile()
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
func (w *work) askFile(ctx context.Context, last *table.Manifest) (bool, error) {
	err := w.needFile(ctx)
	if errors.As(err, new(*stopError)) {
		return true, nil // it is proved when it comes, before anything is cut from it
	}
	if err != nil {
		return false, err
	}
	marks, _, err := marksTo(ctx, w.file, []int64{last.End})
	return marks[last.End].Chain == last.ChainOut, err
}

// sameAs tells whether manifests speak of the source that the ledger knows: one of them ends where
// it is shipped to, and no chain disagrees.
func (w *work) sameAs(ms []*table.Manifest) (bool, error) {
	known, err := w.pointsOf()
	if err != nil {
		return false, err
	}
	meets := w.src.Shipped == 0
	for _, m := range ms {
		for _, end := range endsOf(m) {
			if chain, ok := known.At(end.Offset); ok && chain != end.Chain {
				return false, nil
			}
		}
		meets = meets || m.End == w.src.Shipped
	}
	return meets, nil
}

// shipWaiting ships what earlier runs left in the outbox: sources side by side, but those of a lower
// k first, since a source's first batch waits for those below it. A source that needs its file and
// does not find it is left for when the file is settled.
func (r *run) shipWaiting(ctx context.Context) error {
	waiting := map[uint64][]*work{}
	err := r.eachWaiting(func(key source.Key, src *offsets.Source) error {
		w := r.workOf(key, src)
		waiting[w.k] = append(waiting[w.k], w)
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(waiting)) {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(r.inHand)
		for _, w := range waiting[k] {
			g.Go(func() error { return w.shipAlone(ctx) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// shipAlone ships what waits of one source, and leaves it for later when it cannot.
func (w *work) shipAlone(ctx context.Context) error {
	err := asFault(w.src.Path, w.shipLeft(ctx))
	var stopped *stopError
	switch {
	case errors.As(err, &stopped):
		w.hold()
		w.pending.set(w.key, stopped.Problem)
	case errors.Is(err, errSettleAgain):
		w.dropped.Store(w.src.Path, true)
	default:
		return err
	}
	return nil
}

// shipLeft ships what waits of one source, and what is aside of it as far as ledger and bucket lead
// up to it.
func (w *work) shipLeft(ctx context.Context) error {
	defer w.closeOwn()
	if err := w.checkBehind(ctx); err != nil {
		return err
	}
	for {
		if err := w.ship(ctx); err != nil {
			return err
		}
		more, err := w.takeSpooled()
		if err == nil && !more {
			more, err = w.catchUp(ctx)
		}
		if err != nil || !more {
			return err
		}
	}
}

// catchUp fills a source that has batches aside from the bucket, and tells whether that led on.
func (w *work) catchUp(ctx context.Context) (bool, error) {
	if len(w.aside.of(w.key)) == 0 {
		return false, nil
	}
	before := w.src.Sealed.Offset
	if err := w.fill(ctx); err != nil {
		return false, err
	}
	if err := w.clearOvertaken(ctx); err != nil {
		return false, err
	}
	return w.src.Sealed.Offset > before, nil
}

func (w *work) closeOwn() {
	if w.opened {
		w.file.Close()
		w.file, w.opened = nil, false
	}
}
