package commit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// Claim is a file that is to be settled: told which source it is.
type Claim struct {
	Stream *Stream
	Origin string
	Path   string
	File   *files.File
	Head   []byte
	Family *Family // of head; held by whoever made the claim
	Assume Assume
}

// ErrSettleAgain ends the work on a source that turned out to be another; the ledger has forgotten
// it and its file is to be settled again.
var ErrSettleAgain = errors.New("source is another")

// HoldAgainstFiles holds a file that is undecided against the files that the candidates were last
// read from, where these are at hand: it leaves out the candidates that the file differs from. What
// told them apart is a fact about the candidate from then on. It is not sure when a file could not be read
// just now.
func (u *sources) HoldAgainstFiles(
	ctx context.Context, c Claim, x *Told, maybe []*Candidate,
) (left []*Candidate, sure bool, err error) {
	sure = true
	for _, e := range maybe {
		at, err := u.differsFromFile(ctx, c, e)
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if at == nil {
			sure = sure && err == nil
			left = append(left, e)
			continue
		}
		if err := x.Read(ctx, c.File, []int64{at.Offset}); err != nil {
			return nil, false, err
		}
		x.facts = append(x.facts, source.Mark{Offset: at.Offset, Chain: x.Marks[at.Offset].Chain})
		err = u.Ledger.Update(e.Key, func(s *offsets.Source) error {
			if s.Serial != e.Src.Serial || s.Sealed.Offset < at.Offset {
				return ErrAgain
			}
			s.AddEnd(*at)
			return nil
		})
		if err != nil {
			return nil, false, fmt.Errorf("note what tells %s from source %s: %w", c.Path, e.Key.ID, err)
		}
		e.Points = e.Points.With(*at)
	}
	return left, sure, nil
}

// differsFromFile gives the chain of a candidate right after the first byte at which the file that the
// candidate was last read from differs from the claimed one. It is nil when they do not differ within
// what is sealed, or when that file is gone; with an error when the file could not be read.
func (u *sources) differsFromFile(ctx context.Context, c Claim, e *Candidate) (*source.Mark, error) {
	if e.Src == nil || e.Src.Path == "" || e.Src.Path == c.Path {
		return nil, nil
	}
	f, err := files.Open(u.FS, e.Src.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	like, err := files.Compare(ctx, c.File, f, 0)
	at, sealed := like.Until+1, e.Src.Sealed
	if err != nil || !like.Differ || at > sealed.Offset {
		return nil, err
	}
	marks, _, err := MarksTo(ctx, f, []int64{at, sealed.Offset})
	if err != nil || marks[sealed.Offset].Chain != sealed.Chain {
		return nil, err // it does not hold the candidate
	}
	return &source.Mark{Offset: at, Chain: marks[at].Chain}, nil
}

// StateOf is what the ledger keeps of a file.
func StateOf(s files.Stat) offsets.FileState { return offsets.FileState(s) }

// NewSource is a source that nobody has committed anything of. The ledger hears of it with its
// first batch, so that one which stops before gives its ordinal back.
func (r *Engine) NewSource(c Claim, k uint64, x *Told) *Writer {
	w := r.NewWriter(c, k, &offsets.Source{K: k, Sealed: source.Origin(), LastStart: -1})
	w.told, w.Facts = x.Points, x.facts
	return w
}

// MakeWay has a source of the ledger give up its id, which another log has in the sink: what this host put
// there under it is of both.
func (r *Engine) MakeWay(ctx context.Context, key source.Key) error {
	w, ok, err := r.HeldSource(key)
	if err != nil || !ok || r.Sources.isRead(key) {
		return err
	}
	defer w.CloseOwn()
	var stopped *StopError
	err = w.NeedFile(ctx)
	switch {
	case errors.As(err, &stopped):
		err = w.Orphans.holdApart(stopped)
		if errors.As(err, &stopped) {
			r.Pending.set(key, stopped.Problem)
			return nil
		}
		return err
	case err != nil:
		return AsFault(w.Src.Path, err)
	}
	r.DroppedPaths.Store(w.Src.Path, true)
	r.Pending.Clear(key)
	if err := w.Abandon(); !errors.Is(err, ErrSettleAgain) {
		return err
	}
	return nil
}

// GoOn takes up a source that the file is proved to be. One that only the sink knew is entered into
// the ledger.
func (r *Engine) GoOn(c Claim, e *Candidate, x *Told) (*Writer, error) {
	if e.Src != nil {
		w := r.NewWriter(c, e.K, e.Src)
		// A source without a path was taken up from this state's own spool: the file is what it was read from.
		w.found = e.Src.Path != "" && e.Src.Path != c.Path
		w.told, w.Facts = x.Points, x.facts
		return w, nil
	}
	w := r.NewWriter(c, e.K, &offsets.Source{})
	w.found, w.Shipper.MayBeBehind = true, true
	return w, w.Update(func(s *offsets.Source) error {
		at := x.Marks[e.End]
		at.Carry = e.Sink.Rest
		s.Path, s.File = c.Path, w.State
		s.Sealed, s.Shipped, s.Highest = at, at.Offset, at.Offset
		s.LastStart, s.OpenEnd, s.Barrier = e.Sink.Start, e.Sink.OpenEnd, e.Sink.Barrier
		s.Lost = e.Sink.Lost
		for _, p := range e.Sink.Points {
			s.AddEnd(p)
		}
		return nil
	})
}

// ErrAgain says that things changed while they were looked at.
var ErrAgain = errors.New("things have changed meanwhile")
