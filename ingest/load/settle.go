package load

import (
	"context"
	"errors"

	"logseal/ingest/commit"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// settle tells which source a file is. It returns a *stopError when the file is undecided, and no
// work when it is assumed to be a copy.
func (r *loader) settle(ctx context.Context, c commit.Claim) (*commit.Writer, error) {
	if err := r.Sources.Learn(ctx, c.Family); err != nil {
		return nil, err
	}
	all, free, err := r.Sources.Candidates(c.Family)
	if err != nil {
		return nil, err
	}
	if w, err := r.unchanged(c, all); w != nil || err != nil {
		return w, err
	}
	x, some, err := r.Sources.Narrow(ctx, c.Family, c.File, all)
	if err != nil {
		return nil, err
	}
	best, maybe := x.Weigh(some)
	if best == nil && c.Assume == commit.AssumeNothing {
		if maybe, _, err = r.Sources.HoldAgainstFiles(ctx, c, x, maybe); err != nil {
			return nil, err
		}
	}
	switch {
	case best != nil:
		if best.Src == nil {
			if err := r.MakeWay(ctx, best.Key); err != nil {
				return nil, err
			}
		}
		return r.GoOn(c, best, x)
	case len(maybe) == 0 || c.Assume == commit.AssumeNew:
		w := r.NewSource(c, free, x)
		w.Ordinal.Reach = x.Reach(all, free)
		w.Ordinal.ForcedNew = len(maybe) > 0
		return w, r.reclaim(ctx, c, some, x, free)
	case c.Assume == commit.AssumeCopy:
		return nil, r.duplicate(ctx, c, maybe[0].Key, x)
	}
	return nil, commit.Stop(commit.Undecided, c.Path, "it agrees with source %s as far as it goes, but ends at %d "+
		"and that one is committed up to %d: a copy still being written, or an older state; "+
		"it was not read (`--assume copy` or `--assume new` decides)",
		maybe[0].Key.ID, x.Length, maybe[0].End)
}

// unchanged finds the source that the file at this path was when the ledger last read from it,
// when its stat and the bytes before the sealed offset say that it has not changed since: what is
// proved is not proved again.
func (r *loader) unchanged(c commit.Claim, all []*commit.Candidate) (*commit.Writer, error) {
	if r.Rehash {
		return nil, nil
	}
	for _, e := range all {
		if e.Src == nil || e.Src.Path != c.Path || e.Src.File != commit.StateOf(c.File.Stat()) {
			continue
		}
		w := r.NewWriter(c, e.K, e.Src)
		marker, err := w.Cutter.MarkerAt(e.Src.Sealed.Offset)
		if err != nil {
			return nil, err
		}
		if marker == e.Src.Marker {
			return w, nil
		}
	}
	return nil, nil
}

// reclaim gives back what this ledger holds of the file at a higher ordinal, where it has shipped
// nothing: the ordinal below came free, so the file is cut again under that one.
func (r *loader) reclaim(
	ctx context.Context, c commit.Claim, some []*commit.Candidate, x *commit.Told, k uint64,
) error {
	for _, e := range some {
		if e.K <= k || e.Src == nil || e.Src.Shipped > 0 || e.Match(x.Points, x.Length) != identity.Proved {
			continue
		}
		w := r.NewWriter(c, e.K, e.Src)
		if err := w.Abandon(); !errors.Is(err, commit.ErrSettleAgain) {
			return err
		}
		r.Pending.Clear(e.Key)
	}
	return nil
}

// duplicate remembers a file whose bytes are committed under another path.
func (r *loader) duplicate(ctx context.Context, c commit.Claim, key source.Key, x *commit.Told) error {
	r.Counters.Add(func(rep *commit.Report) { rep.Duplicates++ })
	if err := x.Read(ctx, c.File, []int64{x.Length}); err != nil {
		return err
	}
	end := x.Marks[x.Length].Mark()
	err := r.Ledger.Update(key, func(s *offsets.Source) error {
		if s.Sealed.Offset < end.Offset {
			return offsets.ErrNoSource
		}
		s.AddEnd(end)
		s.PutFile(offsets.FileRecord{Path: c.Path, State: commit.StateOf(c.File.Stat()), Key: key,
			Offset: end.Offset, Chain: end.Chain})
		return nil
	})
	if errors.Is(err, offsets.ErrNoSource) {
		return nil // only the sink knows so much of the source: the file is told again what it is
	}
	return err
}
