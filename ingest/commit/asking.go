package commit

import (
	"context"
	"errors"
	"sync"
	"time"

	"logseal/ingest/identity"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// askRest is when a family is asked about again though nothing about it has changed.
type askRest struct {
	until time.Time
	pause time.Duration
}

const (
	askRestFirst = time.Minute
	askRestMax   = time.Hour
)

// Learn asks the sink which sources of the family there are besides those that are known, up to the
// first ordinal that has no manifest.
func (r *Engine) Learn(ctx context.Context, f *Family) error {
	if err := f.asks.LockWithin(ctx); err != nil {
		return err
	}
	defer f.asks.Unlock()
	return r.learnOn(ctx, f)
}

// LearnAtRest is learn for a file that has not changed since it was told apart: the longer nothing
// comes of it the more rarely the sink is asked.
func (r *Engine) LearnAtRest(ctx context.Context, f *Family) error {
	if err := f.asks.LockWithin(ctx); err != nil {
		return err
	}
	defer f.asks.Unlock()
	if time.Now().Before(f.rest.until) {
		return nil
	}
	before := f.Known()
	if err := r.learnOn(ctx, f); err != nil {
		return err
	}
	f.rest.pause = min(max(askRestFirst, 2*f.rest.pause), askRestMax)
	if f.Known() > before {
		f.rest.pause = askRestFirst
	}
	f.rest.until = time.Now().Add(f.rest.pause)
	return nil
}

// learnOn asks for one ordinal, then for twice as many at a time, as long as all are there.
func (r *Engine) learnOn(ctx context.Context, f *Family) error {
	for n := 1; ; n = min(2*n, r.GetsAtOnce) {
		first := f.Known()
		found := make([]*table.Manifest, n)
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { found[i], errs[i] = r.manifestAt(ctx, f.KeyOf(first+uint64(i)), 0) })
		}
		wg.Wait()
		for i := range n {
			if errors.Is(errs[i], sink.ErrNotFound) {
				return nil
			}
			if errs[i] != nil {
				return errs[i]
			}
		}
	}
}

// follow reads the manifests of the k-th source of a family to the last, if that was not done yet.
func (r *Engine) follow(ctx context.Context, f *Family, k uint64) error {
	if err := f.asks.LockWithin(ctx); err != nil {
		return err
	}
	defer f.asks.Unlock()
	c := f.Committed(k)
	if c == nil || c.Whole {
		return nil
	}
	_, barrier, err := r.walkFrom(ctx, f.KeyOf(k), c.End)
	if err == nil {
		f.End(k, barrier)
	}
	return err
}

// stepOf is what a manifest says of its source.
func stepOf(m *table.Manifest) identity.Step {
	return identity.Step{Start: m.Start, End: m.End, Chain: m.ChainOut, Marks: m.Marks,
		OpenEnd: m.OpenEnd, Rest: m.Rest, Loss: isLoss(m)}
}

// FamilyOf holds the family of a source whose head the ledger has; nil when it does not.
func (w *Writer) FamilyOf() (*Family, func()) {
	head := w.Head
	if head == nil {
		head = w.Src.Head
	}
	if head == nil || source.KeyOf(w.Key.Table, w.Key.Origin, w.K, head) != w.Key {
		return nil, nil
	}
	return w.Families.Use(w.Key.Table, w.Key.Origin, head)
}

// pointsOf is what the ledger knows of a source's content.
func (w *Writer) pointsOf() (identity.Points, error) {
	ends, err := w.Ledger.Ends(w.Key)
	if err != nil {
		return nil, err
	}
	return identity.Points(ends).With(w.told...), nil
}

// alsoCommitted gives the points that the ledger knows of what the sink has: those up to where both
// have the same chain. The ledger may know more of them than manifests tell.
func alsoCommitted(h *heldSource, c *identity.Committed) identity.Points {
	if h.src == nil {
		return nil
	}
	if chain, ok := h.points.At(c.End); ok && chain == c.Chain {
		return h.points.UpTo(max(c.End, h.src.Shipped)) // what is known of the sink may be old
	}
	if h.points.Differ(c.Points) {
		return nil // it is another source, as will show
	}
	return h.points.UpTo(min(h.src.Shipped, c.End))
}
