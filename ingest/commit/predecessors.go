package commit

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/identity"
	"logseal/ingest/source"
)

// A source ships its first batch only when the manifests of every lower ordinal, its predecessors,
// refute it. So the ordinals of a head have no hole in the sink, and no content can win two of them.
// What refutes is a fact about content on both sides: points of the manifests that stand, and points
// of what was sealed. An id, which may be given up and be another's, says nothing.

// predecessors is how the predecessors of a source are.
type predecessors uint8

const (
	AllRefute  predecessors = iota // nothing holds the source back
	OneAwaited                     // one is this host's, and nothing of it is in the sink yet
	oneFree                        // an ordinal below came free
	oneUnclear                     // one may be this very content, as far as is known without its file
)

// AwaitError is returned when a source cannot ship before another one of this host has.
type AwaitError struct {
	source, Other source.Key
	stopped       *StopError
}

func (e *AwaitError) Error() string { return e.stopped.Error() }

// Unwrap gives what it is for a load, which waits for nobody.
func (e *AwaitError) Unwrap() error { return e.stopped }

// NewAwaitError says that a source waits for another one.
func NewAwaitError(w *Writer, other source.Key) error {
	return &AwaitError{w.Key, other, Stop(Gone, w.Path, "source %s waits for source %s, which begins "+
		"alike and could not be shipped yet", w.Key.ID, other.ID).(*StopError)}
}

// MayBegin reports that nothing holds back the source's batches: one of them is in the sink, or it is
// known that no predecessor can be this content.
func (w *Writer) MayBegin() bool {
	return w.K == 0 || w.Src.Shipped > 0 || w.Ordinal.lower || w.Src.LowerRefuted
}

// AskPredecessors tells how the predecessors are, and which one is not refuting.
func (o *ordinal) AskPredecessors(ctx context.Context) (predecessors, uint64, error) {
	if o.MayBegin() {
		return AllRefute, 0, nil
	}
	f, release := o.FamilyOf()
	if f == nil {
		return oneUnclear, 0, nil // its file tells the head
	}
	defer release()
	// The last one first: it waits for those before it, so nobody asks for these in vain.
	for k := o.K - 1; k < o.K; k = f.Known() {
		if f.Committed(k) != nil {
			continue
		}
		how, err := o.askMissing(ctx, f, k)
		if hole := f.Known(); how == OneAwaited && err == nil && hole < k {
			// It may wait itself for one that came free, and have no file any more to be cut again.
			if free, err := o.askMissing(ctx, f, hole); free == oneFree || err != nil {
				return free, hole, err
			}
		}
		if how != AllRefute || err != nil {
			return how, k, err
		}
	}
	points, err := o.firstPoints()
	if err != nil {
		return 0, 0, err
	}
	for k := range o.K {
		refutes, err := o.refutes(ctx, f, k, points)
		if err != nil {
			return 0, 0, err
		}
		if !refutes {
			return oneUnclear, k, nil
		}
	}
	return AllRefute, 0, o.noteRefuted()
}

// askMissing finds out about a predecessor of which no manifest is known.
func (o *ordinal) askMissing(ctx context.Context, f *Family, k uint64) (predecessors, error) {
	h, err := f.heldBy(o.Ledger, k)
	if err != nil {
		return 0, err
	}
	_, seen := o.Sources.wasSeen(f.KeyOf(k))
	held := h.src != nil || seen || o.Sources.isRead(f.KeyOf(k)) // nothing of it may be sealed yet
	if held && (h.src == nil || h.src.Shipped == 0) {
		return OneAwaited, nil
	}
	if err := o.Sources.Learn(ctx, f); err != nil {
		return 0, err
	}
	switch {
	case f.Committed(k) != nil:
		return AllRefute, nil
	case held:
		return OneAwaited, nil
	}
	return oneFree, nil
}

// refutes reports whether what the sink has of the k-th source refutes points of another content.
func (o *ordinal) refutes(
	ctx context.Context, f *Family, k uint64, points identity.Points,
) (bool, error) {
	if o.ForcedNew || f.Committed(k).Points.Differ(points) {
		return true, nil
	}
	h, err := f.heldBy(o.Ledger, k)
	if err != nil {
		return false, err
	}
	if alsoCommitted(h, f.Committed(k)).Differ(points) {
		return true, nil
	}
	if f.Committed(k).Whole {
		return false, nil
	}
	err = o.Sources.follow(ctx, f, k)
	return err == nil && f.Committed(k).Points.Differ(points), err
}

// noteRefuted lets the ledger know that the source need not be asked about again.
func (o *ordinal) noteRefuted() error {
	o.lower = true
	if len(o.Src.Outbox) == 0 {
		return nil // its first batch tells
	}
	return o.NoteFacts()
}

// checkPredecessors holds a source's batches back until it may begin. It is called with the source's
// file at hand, or where that can be opened.
func (o *ordinal) checkPredecessors(ctx context.Context) error {
	how, k, err := o.AskPredecessors(ctx)
	if how == oneUnclear && err == nil {
		// If this host has another source there, that one has to settle with the sink first.
		var waits bool
		if waits, err = o.differsFromHeld(k); waits {
			how = OneAwaited
		}
	}
	if how == oneUnclear && err == nil {
		how, k, err = o.askWithFile(ctx)
	}
	if how == AllRefute || err != nil {
		return err
	}
	if err := o.tellContested(ctx); err != nil {
		return err
	}
	if how == OneAwaited {
		return NewAwaitError(o.Writer, source.KeyOf(o.Key.Table, o.Key.Origin, k, o.headOf()))
	}
	if err := o.NeedFile(ctx); err != nil {
		return err // an ordinal below is free: another log may take that, then this one can go on
	}
	return o.Abandon() // it is settled again
}

// firstPoints is what is known of the first batch, which waits for the predecessors. Only what it holds
// itself may tell it apart: once it is in the sink that is all that whoever lost the rest has.
func (w *Writer) firstPoints() (identity.Points, error) {
	points, err := w.pointsOf()
	if err != nil || len(w.Src.Outbox) == 0 {
		return nil, err
	}
	return points.UpTo(w.Src.Outbox[0].Range.End), nil
}

// differsFromHeld reports whether the ledger has another content than this one as the k-th source.
func (o *ordinal) differsFromHeld(k uint64) (bool, error) {
	if o.headOf() == nil {
		return false, nil
	}
	h, err := readHeld(o.Ledger, source.KeyOf(o.Key.Table, o.Key.Origin, k, o.headOf()))
	if err != nil || h.src == nil {
		return false, err
	}
	points, err := o.firstPoints()
	return h.points.Differ(points), err
}

// Contested lists the predecessors of which this host and the sink have something, and nobody knows
// whether that is the same: both went on from where they agree.
func (o *ordinal) Contested(f *Family) (ks []uint64, err error) {
	for k := range o.K {
		c := f.Committed(k)
		if c == nil {
			continue
		}
		h, err := f.heldBy(o.Ledger, k)
		if err != nil {
			return nil, err
		}
		if h.src == nil || h.src.Sealed.Offset <= h.src.Shipped {
			continue
		}
		if chain, ok := h.points.At(c.End); !ok || chain != c.Chain {
			ks = append(ks, k)
		}
	}
	return ks, nil
}

// tellContested lets the source's file, if it is what the sink has as a contested predecessor, say so
// much of that one that what this host has under its name shows to be another. Else both would wait for
// ever.
func (o *ordinal) tellContested(ctx context.Context) error {
	f, release := o.FamilyOf()
	if f == nil {
		return nil
	}
	defer release()
	ks, err := o.Contested(f)
	if len(ks) == 0 || err != nil {
		return err
	}
	err = o.NeedFile(ctx)
	if errors.As(err, new(*StopError)) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, k := range ks {
		if err := o.tellCommitted(ctx, f, k); err != nil {
			return err
		}
	}
	return nil
}

func (o *ordinal) tellCommitted(ctx context.Context, f *Family, k uint64) error {
	if err := o.Sources.follow(ctx, f, k); err != nil {
		return err
	}
	h, err := f.heldBy(o.Ledger, k)
	if err != nil {
		return err
	}
	end := f.Committed(k).End
	x := &Told{}
	held := &Candidate{Candidate: identity.Candidate{Points: h.points.UpTo(end), End: end}}
	if err := x.Hold(ctx, o.File, []*Candidate{held}); err != nil {
		return err
	}
	f.Tell(k, x.Points)
	if h.src != nil && f.Committed(k).Points.Differ(h.points) {
		return o.GiveUpID(ctx, f.KeyOf(k))
	}
	return nil
}

// askWithFile lets the file say whether it is one of the predecessors.
func (o *ordinal) askWithFile(ctx context.Context) (predecessors, uint64, error) {
	if err := o.NeedFile(ctx); err != nil {
		return 0, 0, o.Orphans.SetApart(err)
	}
	f, release := o.FamilyOf()
	if f == nil {
		return 0, 0, fmt.Errorf("ship source %s: %s begins differently: %w", o.Key.ID, o.Path, ErrAgain)
	}
	defer release()
	var lower []*Candidate
	for k := range o.K {
		if f.Committed(k) == nil {
			continue
		}
		c, err := o.Sources.Candidate(f, k)
		if err != nil {
			return 0, 0, err
		}
		lower = append(lower, c)
	}
	x, _, err := o.Sources.Narrow(ctx, f, o.File, lower)
	if err != nil {
		return 0, 0, err
	}
	o.told = o.told.With(x.Points...)
	return o.AskPredecessors(ctx)
}

// NeedsFileToBegin reports whether the source's file may have to say which source it is before its
// first batch ships: not when the ledger knows of every predecessor what refutes it.
func (w *Writer) NeedsFileToBegin() (bool, error) {
	if w.MayBegin() || len(w.Src.Outbox) == 0 {
		return false, nil
	}
	f, release := w.FamilyOf()
	if f == nil {
		return true, nil
	}
	defer release()
	points, err := w.firstPoints()
	for k := uint64(0); k < w.K && err == nil; k++ {
		var e *Candidate
		if e, err = w.Sources.Candidate(f, k); err == nil && (e == nil || !e.Points.Differ(points)) {
			return true, nil
		}
	}
	return false, err
}

// headOf is the head of the source, nil when neither ledger nor file has told it.
func (w *Writer) headOf() []byte {
	if w.Head != nil {
		return w.Head
	}
	return w.Src.Head
}

// ordinal holds the source back until every source with a lower ordinal is known to be another, and no other origin has the same log.
type ordinal struct {
	*Writer

	ForcedNew bool  // to be a source of its own, though a lower k may be it
	lower     bool  // the manifests of every lower ordinal refute it
	Reach     int64 // up to where its first batch has to go
}
