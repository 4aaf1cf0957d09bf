package pipeline

import (
	"context"
	"errors"
	"slices"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// verdict is what a file's bytes say about a source with its head.
type verdict uint8

const (
	proved    verdict = iota // it holds all that is committed, and the chains agree
	refuted                  // a chain disagrees
	undecided                // it agrees as far as it goes, but ends before what is committed
)

// evidence is what the ledger or the bucket knows of one source.
type evidence struct {
	key       source.Key
	k         uint64
	src       *offsets.Source // nil: only the bucket knows it
	ends      []offsets.End   // chain points in order; the last is where it is committed to
	shipped   int64           // up to here the ends are in manifests
	lastStart int64           // where the last of the manifests starts
	openEnd   bool
	rest      source.Carry // of the last batch, when only the bucket knows it
	barrier   int64
	lost      []source.Range // declared, of which the file may have the bytes
}

func (e *evidence) committed() int64 { return e.ends[len(e.ends)-1].Offset }

// judge holds a file of length bytes against the evidence; marks has the file's chain at every end
// that it reaches.
func (e *evidence) judge(marks map[int64]source.Point, length int64) verdict {
	return judgeEnds(e.ends, marks, length)
}

// refutedByBucket tells whether the manifests alone refute the file: then it is so for ever, and
// for every other ledger.
func (e *evidence) refutedByBucket(marks map[int64]source.Point, length int64) bool {
	n := 0
	for n < len(e.ends) && e.ends[n].Offset <= e.shipped {
		n++
	}
	return n > 0 && judgeEnds(e.ends[:n], marks, length) == refuted
}

func judgeEnds(ends []offsets.End, marks map[int64]source.Point, length int64) verdict {
	for _, end := range ends {
		if m, ok := marks[end.Offset]; ok && m.Chain != end.Chain {
			return refuted
		}
	}
	if ends[len(ends)-1].Offset > length {
		return undecided
	}
	return proved
}

// known gathers the evidence of all sources with a head: k by k from the ledger, else from the
// bucket, up to the first k that neither has.
func (r *run) known(ctx context.Context, s *Stream, origin string, head []byte) ([]*evidence, error) {
	var all []*evidence
	for k := uint64(0); ; k++ {
		key := keyOf(s.Table(), origin, k, head)
		e, err := r.knownInLedger(key, k)
		if err == nil && e == nil {
			e, err = r.knownInBucket(ctx, key, k)
		}
		if err != nil {
			return nil, err
		}
		if e == nil {
			return all, nil
		}
		all = append(all, e)
	}
}

func keyOf(t source.Table, origin string, k uint64, head []byte) source.Key {
	return source.Key{Table: t, Origin: origin, ID: source.NewID(origin, t.Stream, k, head)}
}

func (r *run) knownInLedger(key source.Key, k uint64) (*evidence, error) {
	src, ok, err := r.Ledger.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	ends, err := r.Ledger.Ends(key)
	if err != nil {
		return nil, err
	}
	// A rewound source knows points past its sealed offset; they stay true of its bytes, but are
	// not committed.
	for len(ends) > 0 && ends[len(ends)-1].Offset > src.Sealed.Offset {
		ends = ends[:len(ends)-1]
	}
	if len(ends) == 0 {
		ends = []offsets.End{{Offset: src.Sealed.Offset, Chain: src.Sealed.Chain}}
	}
	return &evidence{
		key: key, k: k, src: src, ends: ends, shipped: src.Shipped, lastStart: src.LastStart,
		openEnd: src.OpenEnd, barrier: src.Barrier,
	}, nil
}

func (r *run) knownInBucket(ctx context.Context, key source.Key, k uint64) (*evidence, error) {
	ms, barrier, err := r.walk(ctx, key)
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	last := ms[len(ms)-1]
	e := &evidence{
		key: key, k: k, shipped: last.End, lastStart: last.Start, openEnd: last.OpenEnd,
		rest: last.Rest, barrier: barrier,
	}
	for _, m := range ms {
		e.ends = append(e.ends, offsets.End{Offset: m.End, Chain: m.ChainOut})
		if isLoss(m) {
			e.lost = append(e.lost, m.Range())
		}
	}
	return e, nil
}

// marksOf hashes a file up to the last end of the evidence it is to be held against. A fault in a
// compressed file ends it there: length is what can be read.
func marksOf(ctx context.Context, f *files.File, all []*evidence) (
	marks map[int64]source.Point, length int64, err error,
) {
	var at []int64
	for _, e := range all {
		for _, end := range e.ends {
			at = append(at, end.Offset)
		}
	}
	if len(at) == 0 {
		return nil, 0, nil
	}
	slices.Sort(at)
	return marksTo(ctx, f, slices.Compact(at))
}

func marksTo(ctx context.Context, f *files.File, at []int64) (map[int64]source.Point, int64, error) {
	marks, reached, err := f.MarksTo(ctx, at)
	var corrupt *files.CorruptError
	if errors.As(err, &corrupt) {
		err = nil
	}
	return marks, reached, err
}

// checkLower holds back a source's first batch until every lower k has manifests that refute its
// file: so the k of a head have no holes in the bucket, and no file can win two of them.
func (w *work) checkLower(ctx context.Context) error {
	if w.lowerRefuted() {
		return nil
	}
	if err := w.needFile(ctx); err != nil {
		return err
	}
	for k := uint64(0); k < w.k; k++ {
		ok, err := w.refutedAt(ctx, k)
		if err != nil {
			return err
		}
		if !ok {
			return w.yieldTo(k)
		}
	}
	w.lower = true
	return w.update(func(*offsets.Source) error { return nil })
}

// lowerRefuted tells whether nothing holds back the source's batches.
func (w *work) lowerRefuted() bool { return w.k == 0 || w.lower || w.src.LowerRefuted }

// refutedAt asks the bucket whether its manifests of the k-th source with this head refute the
// file. Where the file is assumed to be another, it is enough that there are any.
func (w *work) refutedAt(ctx context.Context, k uint64) (bool, error) {
	e, err := w.knownInBucket(ctx, keyOf(w.key.Table, w.key.Origin, k, w.head), k)
	if err != nil || e == nil || w.assumed {
		return err == nil && e != nil, err
	}
	marks, length, err := marksOf(ctx, w.file, []*evidence{e})
	return err == nil && e.judge(marks, length) == refuted, err
}

// yieldTo lets a source of this ledger that holds a lower k ship first. When none does, that k is
// free or another's that may be this one, and the file is settled again.
func (w *work) yieldTo(k uint64) error {
	key := keyOf(w.key.Table, w.key.Origin, k, w.head)
	_, held, err := w.Ledger.Get(key)
	if err != nil {
		return err
	}
	if held {
		return stop(Gone, w.path, "source %s waits for source %s, which begins alike and could not "+
			"be shipped yet", w.key.ID, key.ID)
	}
	return w.abandon()
}
