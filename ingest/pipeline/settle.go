package pipeline

import (
	"context"
	"errors"

	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// settle tells which source a file is. It returns a *stopError when the file is undecided, and no
// work when it is assumed to be a copy.
func (r *loader) settle(ctx context.Context, c claim) (*work, error) {
	if err := r.learn(ctx, c.family); err != nil {
		return nil, err
	}
	all, free, err := r.candidates(c.family)
	if err != nil {
		return nil, err
	}
	if w, err := r.unchanged(c, all); w != nil || err != nil {
		return w, err
	}
	x, some, err := r.narrow(ctx, c.family, c.file, all)
	if err != nil {
		return nil, err
	}
	best, maybe := x.weigh(some)
	if best == nil && c.assume == AssumeNothing {
		if maybe, err = r.holdAgainstFiles(ctx, c, x, maybe); err != nil {
			return nil, err
		}
	}
	switch {
	case best != nil:
		if best.src == nil {
			if err := r.makeWay(ctx, best.Key); err != nil {
				return nil, err
			}
		}
		return r.goOn(c, best, x)
	case len(maybe) == 0 || c.assume == AssumeNew:
		w := r.newSource(c, free, x)
		w.reach = x.reach(all, free)
		w.assumed = len(maybe) > 0
		return w, r.reclaim(ctx, c, some, x, free)
	case c.assume == AssumeCopy:
		return nil, r.duplicate(ctx, c, maybe[0].Key, x)
	}
	return nil, stop(Undecided, c.path, "it agrees with source %s as far as it goes, but ends at %d "+
		"and that one is committed up to %d: a copy still being written, or an older state; "+
		"it was not read (`--assume copy` or `--assume new` decides)",
		maybe[0].Key.ID, x.length, maybe[0].End)
}

// unchanged finds the source that the file at this path was when the ledger last read from it,
// when its stat and the bytes before the sealed offset say that it has not changed since: what is
// proved is not proved again.
func (r *loader) unchanged(c claim, all []*candidate) (*work, error) {
	if r.Rehash {
		return nil, nil
	}
	for _, e := range all {
		if e.src == nil || e.src.Path != c.path || e.src.File != stateOf(c.file.Stat()) {
			continue
		}
		w := r.newWork(c, e.K, e.src)
		marker, err := w.markerAt(e.src.Sealed.Offset)
		if err != nil {
			return nil, err
		}
		if marker == e.src.Marker {
			return w, nil
		}
	}
	return nil, nil
}

// reclaim gives back what this ledger holds of the file at a higher ordinal, where it has shipped
// nothing: the ordinal below came free, so the file is cut again under that one.
func (r *loader) reclaim(
	ctx context.Context, c claim, some []*candidate, x *told, k uint64,
) error {
	for _, e := range some {
		if e.K <= k || e.src == nil || e.src.Shipped > 0 || e.Match(x.points, x.length) != identity.Proved {
			continue
		}
		w := r.newWork(c, e.K, e.src)
		if err := w.abandon(); !errors.Is(err, errSettleAgain) {
			return err
		}
		r.pending.clear(e.Key)
	}
	return nil
}

// duplicate remembers a file whose bytes are committed under another path.
func (r *loader) duplicate(ctx context.Context, c claim, key source.Key, x *told) error {
	r.tally.add(func(rep *Report) { rep.Duplicates++ })
	if err := x.read(ctx, c.file, []int64{x.length}); err != nil {
		return err
	}
	end := x.marks[x.length].Mark()
	err := r.Ledger.Update(key, func(s *offsets.Source) error {
		if s.Sealed.Offset < end.Offset {
			return offsets.ErrNoSource
		}
		s.AddEnd(end)
		s.PutFile(offsets.FileRecord{Path: c.path, State: stateOf(c.file.Stat()), Key: key,
			Offset: end.Offset, Chain: end.Chain})
		return nil
	})
	if errors.Is(err, offsets.ErrNoSource) {
		return nil // only the sink knows so much of the source: the file is told again what it is
	}
	return err
}
