package pipeline

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/files"
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

func stateOf(s files.Stat) offsets.FileState { return offsets.FileState(s) }

// newSource is a source that nobody has committed anything of. The ledger hears of it with its
// first batch, so that one which stops before gives its ordinal back.
func (r *run) newSource(c claim, k uint64, x *told) *work {
	w := r.newWork(c, k, &offsets.Source{K: k, Sealed: source.Origin(), LastStart: -1})
	w.told, w.facts = x.points, x.facts
	return w
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

// errAgain says that things changed while they were looked at.
var errAgain = errors.New("things have changed meanwhile")
