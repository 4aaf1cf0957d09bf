package pipeline

import (
	"context"
	"errors"

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
	assume Assume
}

// errSettleAgain ends the work on a source that turned out to be another; the ledger has forgotten
// it and its file is to be settled again.
var errSettleAgain = errors.New("source is another")

// settle tells which source a file is. It returns a *stopError when the file is undecided, and no
// work when it is assumed to be a copy.
func (r *run) settle(ctx context.Context, c claim) (*work, error) {
	all, err := r.known(ctx, c.stream, c.origin, c.head)
	if err != nil {
		return nil, err
	}
	if w, err := r.unchanged(c, all); w != nil || err != nil {
		return w, err
	}
	marks, length, err := marksOf(ctx, c.file, all)
	if err != nil {
		return nil, err
	}
	best, maybe := weigh(all, marks, length)
	switch {
	case best != nil:
		return r.goOn(c, best, marks, lowerRefuted(all[:best.k], marks, length))
	case maybe == nil || c.assume == AssumeNew:
		w := r.newSource(c, uint64(len(all)), lowerRefuted(all, marks, length))
		w.assumed = maybe != nil
		return w, r.reclaim(ctx, c, w.k)
	case c.assume == AssumeCopy:
		return nil, r.duplicate(c, maybe.key, length)
	}
	return nil, stop(Undecided, c.path, "it agrees with source %s as far as it goes, but ends at %d "+
		"and that one is committed up to %d: a copy still being written, or an older state; "+
		"it was not read (`--assume copy` or `--assume new` decides)",
		maybe.key.ID, length, maybe.committed())
}

// weigh picks the source that the file is proved to be, the furthest of several, and the first
// that is undecided.
func weigh(all []*evidence, marks map[int64]source.Point, length int64) (best, maybe *evidence) {
	for _, e := range all {
		switch e.judge(marks, length) {
		case proved:
			if best == nil || e.committed() > best.committed() {
				best = e
			}
		case undecided:
			if maybe == nil {
				maybe = e
			}
		}
	}
	return best, maybe
}

func lowerRefuted(lower []*evidence, marks map[int64]source.Point, length int64) bool {
	for _, e := range lower {
		if !e.refutedByBucket(marks, length) {
			return false
		}
	}
	return true
}

// unchanged finds the source that the file at this path was when the ledger last read from it,
// when its stat and the bytes before the sealed offset say that it has not changed since: what is
// proved is not proved again.
func (r *run) unchanged(c claim, all []*evidence) (*work, error) {
	if r.Rehash {
		return nil, nil
	}
	for _, e := range all {
		if e.src == nil || e.src.Path != c.path || e.src.File != stateOf(c.file.Stat()) {
			continue
		}
		w := r.newWork(c, e.k, e.src)
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
// first batch, so that one which stops before gives its k back.
func (r *run) newSource(c claim, k uint64, lower bool) *work {
	w := r.newWork(c, k, &offsets.Source{K: k, Sealed: source.Origin(), LastStart: -1})
	w.lower = lower
	return w
}

// reclaim gives back what this ledger holds of the file at a higher k, where it has shipped nothing:
// the k below it came free, so the file is cut again under that one.
func (r *run) reclaim(ctx context.Context, c claim, k uint64) error {
	for _, x := range r.unsent.all() {
		key, above := x.key, x.k
		if above <= k || key != keyOf(c.stream.Table(), c.origin, above, c.head) {
			continue
		}
		src, ok, err := r.Ledger.Get(key)
		if err != nil {
			return err
		}
		if !ok || src.Shipped > 0 {
			continue
		}
		e, err := r.knownInLedger(key, above)
		if err != nil {
			return err
		}
		marks, length, err := marksOf(ctx, c.file, []*evidence{e})
		if err != nil {
			return err
		}
		if e.judge(marks, length) != proved {
			continue
		}
		w := r.newWork(c, src.K, src)
		if err := w.abandon(); !errors.Is(err, errSettleAgain) {
			return err
		}
		r.pending.clear(key)
	}
	return nil
}

// goOn takes up a source that the file is proved to be. One that only the bucket knew is entered
// into the ledger.
func (r *run) goOn(c claim, e *evidence, marks map[int64]source.Point, lower bool) (*work, error) {
	if e.src != nil {
		w := r.newWork(c, e.k, e.src)
		w.lower, w.found = lower, e.src.Path != c.path
		return w, nil
	}
	w := r.newWork(c, e.k, &offsets.Source{})
	w.lower, w.found, w.chase = lower, true, true
	return w, w.update(func(s *offsets.Source) error {
		at := marks[e.committed()]
		at.Carry = e.rest
		s.Path, s.File = c.path, w.state
		s.Sealed, s.Shipped, s.Highest = at, at.Offset, at.Offset
		s.LastStart, s.OpenEnd, s.Barrier, s.Lost = e.lastStart, e.openEnd, e.barrier, e.lost
		for _, end := range e.ends {
			s.AddEnd(marks[end.Offset])
		}
		return nil
	})
}

// duplicate remembers a file whose bytes are committed under another path.
func (r *run) duplicate(c claim, key source.Key, length int64) error {
	r.tally.add(func(rep *Report) { rep.Duplicates++ })
	return r.Ledger.PutFile(key.Table, offsets.FileRecord{
		Path: c.path, State: stateOf(c.file.Stat()), Key: key, Offset: length, Duplicate: true,
	})
}
