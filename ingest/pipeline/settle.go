package pipeline

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// claim is a file that is to be settled: told which source it is.
type claim struct {
	stream *Stream
	origin string
	path   string
	file   *files.File
	head   []byte
	family *family // of head; held by whoever made the claim
	assume Assume
}

// errSettleAgain ends the work on a source that turned out to be another; the ledger has forgotten
// it and its file is to be settled again.
var errSettleAgain = errors.New("source is another")

// settle tells which source a file is. It returns a *stopError when the file is undecided, and no
// work when it is assumed to be a copy.
func (r *run) settle(ctx context.Context, c claim) (*work, error) {
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

// holdAgainstFiles holds a file that is undecided against the files that the candidates were last
// read from, where these are at hand: it leaves out the candidates that the file differs from. What
// told them apart is a fact about the candidate from then on.
func (r *run) holdAgainstFiles(
	ctx context.Context, c claim, x *told, maybe []*candidate,
) (left []*candidate, err error) {
	for _, e := range maybe {
		at, err := r.differsFromFile(ctx, c, e)
		if err != nil {
			return nil, err
		}
		if at == nil {
			left = append(left, e)
			continue
		}
		if err := x.read(ctx, c.file, []int64{at.Offset}); err != nil {
			return nil, err
		}
		x.facts = append(x.facts, source.Mark{Offset: at.Offset, Chain: x.marks[at.Offset].Chain})
		err = r.Ledger.Update(e.Key, func(s *offsets.Source) error {
			if s.Serial != e.src.Serial || s.Sealed.Offset < at.Offset {
				return errAgain
			}
			s.AddEnd(*at)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("note what tells %s from source %s: %w", c.path, e.Key.ID, err)
		}
		e.Points = e.Points.With(*at)
	}
	return left, nil
}

// differsFromFile gives the chain of a candidate right after the first byte at which the file that the
// candidate was last read from differs from the claimed one. It is nil when they do not differ within
// what is sealed, or when that file is not at hand any more.
func (r *run) differsFromFile(ctx context.Context, c claim, e *candidate) (*source.Mark, error) {
	if e.src == nil || e.src.Path == "" || e.src.Path == c.path {
		return nil, nil
	}
	f, err := files.Open(r.FS, e.src.Path)
	if err != nil {
		return nil, nil // it is not at hand
	}
	defer f.Close()
	like, err := files.Compare(ctx, c.file, f, 0)
	at, sealed := like.Until+1, e.src.Sealed
	if err != nil || !like.Differ || at > sealed.Offset {
		return nil, ctx.Err()
	}
	marks, _, err := marksTo(ctx, f, []int64{at, sealed.Offset})
	if err != nil || marks[sealed.Offset].Chain != sealed.Chain {
		return nil, ctx.Err() // it does not hold the candidate
	}
	return &source.Mark{Offset: at, Chain: marks[at].Chain}, nil
}

// unchanged finds the source that the file at this path was when the ledger last read from it,
// when its stat and the bytes before the sealed offset say that it has not changed since: what is
// proved is not proved again.
func (r *run) unchanged(c claim, all []*candidate) (*work, error) {
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

func stateOf(s files.Stat) offsets.FileState { return offsets.FileState(s) }

// newSource is a source that nobody has committed anything of. The ledger hears of it with its
// first batch, so that one which stops before gives its ordinal back.
func (r *run) newSource(c claim, k uint64, x *told) *work {
	w := r.newWork(c, k, &offsets.Source{K: k, Sealed: source.Origin(), LastStart: -1})
	w.told, w.facts = x.points, x.facts
	return w
}

// reclaim gives back what this ledger holds of the file at a higher ordinal, where it has shipped
// nothing: the ordinal below came free, so the file is cut again under that one.
func (r *run) reclaim(
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

// makeWay has a source of the ledger give up its id, which another log has in the sink: what this host put
// there under it is of both.
func (r *run) makeWay(ctx context.Context, key source.Key) error {
	w, ok, err := r.heldSource(key)
	if err != nil || !ok || r.isRead(key) {
		return err
	}
	defer w.closeOwn()
	var stopped *stopError
	err = w.needFile(ctx)
	switch {
	case errors.As(err, &stopped):
		err = w.holdApart(stopped)
		if errors.As(err, &stopped) {
			r.pending.set(key, stopped.Problem)
			return nil
		}
		return err
	case err != nil:
		return asFault(w.src.Path, err)
	}
	r.dropped.Store(w.src.Path, true)
	r.pending.clear(key)
	if err := w.abandon(); !errors.Is(err, errSettleAgain) {
		return err
	}
	return nil
}

// goOn takes up a source that the file is proved to be. One that only the sink knew is entered into
// the ledger.
func (r *run) goOn(c claim, e *candidate, x *told) (*work, error) {
	if e.src != nil {
		w := r.newWork(c, e.K, e.src)
		// A source without a path was taken up from this state's own spool: the file is what it was read from.
		w.found = e.src.Path != "" && e.src.Path != c.path
		w.told, w.facts = x.points, x.facts
		return w, nil
	}
	w := r.newWork(c, e.K, &offsets.Source{})
	w.found, w.chase = true, true
	return w, w.update(func(s *offsets.Source) error {
		at := x.marks[e.End]
		at.Carry = e.sink.Rest
		s.Path, s.File = c.path, w.state
		s.Sealed, s.Shipped, s.Highest = at, at.Offset, at.Offset
		s.LastStart, s.OpenEnd, s.Barrier = e.sink.Start, e.sink.OpenEnd, e.sink.Barrier
		s.Lost = e.sink.Lost
		for _, p := range e.sink.Points {
			s.AddEnd(p)
		}
		return nil
	})
}

// duplicate remembers a file whose bytes are committed under another path.
func (r *run) duplicate(ctx context.Context, c claim, key source.Key, x *told) error {
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
