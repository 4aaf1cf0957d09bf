package pipeline

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
	allRefute  predecessors = iota // nothing holds the source back
	oneAwaited                     // one is this host's, and nothing of it is in the sink yet
	oneFree                        // an ordinal below came free
	oneUnclear                     // one may be this very content, as far as is known without its file
)

// awaitError is returned when a source cannot ship before another one of this host has.
type awaitError struct {
	source, other source.Key
	stopped       *stopError
}

func (e *awaitError) Error() string { return e.stopped.Error() }

// Unwrap gives what it is for a load, which waits for nobody.
func (e *awaitError) Unwrap() error { return e.stopped }

func newAwaitError(w *work, other source.Key) error {
	return &awaitError{w.key, other, stop(Gone, w.path, "source %s waits for source %s, which begins "+
		"alike and could not be shipped yet", w.key.ID, other.ID).(*stopError)}
}

// mayBegin reports that nothing holds back the source's batches: one of them is in the sink, or it is
// known that no predecessor can be this content.
func (w *work) mayBegin() bool {
	return w.k == 0 || w.src.Shipped > 0 || w.lower || w.src.LowerRefuted
}

// askPredecessors tells how the predecessors are, and which one is not refuting.
func (w *work) askPredecessors(ctx context.Context) (predecessors, uint64, error) {
	if w.mayBegin() {
		return allRefute, 0, nil
	}
	f, release := w.familyOf()
	if f == nil {
		return oneUnclear, 0, nil // its file tells the head
	}
	defer release()
	// The last one first: it waits for those before it, so nobody asks for these in vain.
	for k := w.k - 1; k < w.k; k = f.Known() {
		if f.Committed(k) != nil {
			continue
		}
		how, err := w.askMissing(ctx, f, k)
		if hole := f.Known(); how == oneAwaited && err == nil && hole < k {
			// It may wait itself for one that came free, and have no file any more to be cut again.
			if free, err := w.askMissing(ctx, f, hole); free == oneFree || err != nil {
				return free, hole, err
			}
		}
		if how != allRefute || err != nil {
			return how, k, err
		}
	}
	points, err := w.firstPoints()
	if err != nil {
		return 0, 0, err
	}
	for k := range w.k {
		refutes, err := w.refutes(ctx, f, k, points)
		if err != nil {
			return 0, 0, err
		}
		if !refutes {
			return oneUnclear, k, nil
		}
	}
	return allRefute, 0, w.noteRefuted()
}

// askMissing finds out about a predecessor of which no manifest is known.
func (w *work) askMissing(ctx context.Context, f *family, k uint64) (predecessors, error) {
	h, err := f.heldBy(w.Ledger, k)
	if err != nil {
		return 0, err
	}
	_, seen := w.wasSeen(f.key(k))
	held := h.src != nil || seen || w.isRead(f.key(k)) // nothing of it may be sealed yet
	if held && (h.src == nil || h.src.Shipped == 0) {
		return oneAwaited, nil
	}
	if err := w.learn(ctx, f); err != nil {
		return 0, err
	}
	switch {
	case f.Committed(k) != nil:
		return allRefute, nil
	case held:
		return oneAwaited, nil
	}
	return oneFree, nil
}

// refutes reports whether what the sink has of the k-th source refutes points of another content.
func (w *work) refutes(
	ctx context.Context, f *family, k uint64, points identity.Points,
) (bool, error) {
	if w.assumed || f.Committed(k).Points.Differ(points) {
		return true, nil
	}
	h, err := f.heldBy(w.Ledger, k)
	if err != nil {
		return false, err
	}
	if alsoCommitted(h, f.Committed(k)).Differ(points) {
		return true, nil
	}
	if f.Committed(k).Whole {
		return false, nil
	}
	err = w.follow(ctx, f, k)
	return err == nil && f.Committed(k).Points.Differ(points), err
}

// noteRefuted lets the ledger know that the source need not be asked about again.
func (w *work) noteRefuted() error {
	w.lower = true
	if len(w.src.Outbox) == 0 {
		return nil // its first batch tells
	}
	return w.noteFacts()
}

// checkPredecessors holds a source's batches back until it may begin. It is called with the source's
// file at hand, or where that can be opened.
func (w *work) checkPredecessors(ctx context.Context) error {
	how, k, err := w.askPredecessors(ctx)
	if how == oneUnclear && err == nil {
		// If this host has another source there, that one has to settle with the sink first.
		var waits bool
		if waits, err = w.differsFromHeld(k); waits {
			how = oneAwaited
		}
	}
	if how == oneUnclear && err == nil {
		how, k, err = w.askWithFile(ctx)
	}
	if how == allRefute || err != nil {
		return err
	}
	if err := w.tellContested(ctx); err != nil {
		return err
	}
	if how == oneAwaited {
		return newAwaitError(w, source.KeyOf(w.key.Table, w.key.Origin, k, w.headOf()))
	}
	if err := w.needFile(ctx); err != nil {
		return err // an ordinal below is free: another log may take that, then this one can go on
	}
	return w.abandon() // it is settled again
}

// firstPoints is what is known of the first batch, which waits for the predecessors. Only what it holds
// itself may tell it apart: once it is in the sink that is all that whoever lost the rest has.
func (w *work) firstPoints() (identity.Points, error) {
	points, err := w.pointsOf()
	if err != nil || len(w.src.Outbox) == 0 {
		return nil, err
	}
	return points.UpTo(w.src.Outbox[0].Range.End), nil
}

// differsFromHeld reports whether the ledger has another content than this one as the k-th source.
func (w *work) differsFromHeld(k uint64) (bool, error) {
	if w.headOf() == nil {
		return false, nil
	}
	h, err := readHeld(w.Ledger, source.KeyOf(w.key.Table, w.key.Origin, k, w.headOf()))
	if err != nil || h.src == nil {
		return false, err
	}
	points, err := w.firstPoints()
	return h.points.Differ(points), err
}

// contested lists the predecessors of which this host and the sink have something, and nobody knows
// whether that is the same: both went on from where they agree.
func (w *work) contested(f *family) (ks []uint64, err error) {
	for k := range w.k {
		c := f.Committed(k)
		if c == nil {
			continue
		}
		h, err := f.heldBy(w.Ledger, k)
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
func (w *work) tellContested(ctx context.Context) error {
	f, release := w.familyOf()
	if f == nil {
		return nil
	}
	defer release()
	ks, err := w.contested(f)
	if len(ks) == 0 || err != nil {
		return err
	}
	err = w.needFile(ctx)
	if errors.As(err, new(*stopError)) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, k := range ks {
		if err := w.tellCommitted(ctx, f, k); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) tellCommitted(ctx context.Context, f *family, k uint64) error {
	if err := w.follow(ctx, f, k); err != nil {
		return err
	}
	h, err := f.heldBy(w.Ledger, k)
	if err != nil {
		return err
	}
	end := f.Committed(k).End
	x := &told{}
	held := &candidate{Candidate: identity.Candidate{Points: h.points.UpTo(end), End: end}}
	if err := x.hold(ctx, w.file, []*candidate{held}); err != nil {
		return err
	}
	f.Tell(k, x.points)
	if h.src != nil && f.Committed(k).Points.Differ(h.points) {
		return w.giveUpID(ctx, f.key(k))
	}
	return nil
}

// askWithFile lets the file say whether it is one of the predecessors.
func (w *work) askWithFile(ctx context.Context) (predecessors, uint64, error) {
	if err := w.needFile(ctx); err != nil {
		return 0, 0, w.setApart(err)
	}
	f, release := w.familyOf()
	if f == nil {
		return 0, 0, fmt.Errorf("ship source %s: %s begins otherwise: %w", w.key.ID, w.path, errAgain)
	}
	defer release()
	var lower []*candidate
	for k := range w.k {
		if f.Committed(k) == nil {
			continue
		}
		c, err := w.candidate(f, k)
		if err != nil {
			return 0, 0, err
		}
		lower = append(lower, c)
	}
	x, _, err := w.narrow(ctx, f, w.file, lower)
	if err != nil {
		return 0, 0, err
	}
	w.told = w.told.With(x.points...)
	return w.askPredecessors(ctx)
}

// needsFileToBegin reports whether the source's file may have to say which source it is before its
// first batch ships: not when the ledger knows of every predecessor what refutes it.
func (w *work) needsFileToBegin() (bool, error) {
	if w.mayBegin() || len(w.src.Outbox) == 0 {
		return false, nil
	}
	f, release := w.familyOf()
	if f == nil {
		return true, nil
	}
	defer release()
	points, err := w.firstPoints()
	for k := uint64(0); k < w.k && err == nil; k++ {
		var e *candidate
		if e, err = w.candidate(f, k); err == nil && (e == nil || !e.Points.Differ(points)) {
			return true, nil
		}
	}
	return false, err
}

// headOf is the head of the source, nil when neither ledger nor file has told it.
func (w *work) headOf() []byte {
	if w.head != nil {
		return w.head
	}
	return w.src.Head
}
