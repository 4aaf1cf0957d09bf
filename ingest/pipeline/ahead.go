package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
)

// sealOn gets a batch into the outbox, or finds that there is no more to read. Where nothing
// forbids it goes on to the end of the file while a second goroutine ships what is sealed.
func (w *work) sealOn(ctx context.Context) (more bool, err error) {
	endTurn, err := w.takeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	if took, err := w.takeSpooled(); took || err != nil {
		return took, err
	}
	if adopted, err := w.lookAhead(ctx); adopted || err != nil {
		return adopted, err
	}
	if !w.shipBehind || !w.mayBegin() {
		return w.cut(ctx)
	}
	return w.sealAndShip(ctx, endTurn)
}

// takeTurn waits until fewer than Workers sources are being cut. Shipping takes no turn, so what
// waits for the network keeps nothing from the processor but a source of which others may be ahead.
func (r *run) takeTurn(ctx context.Context) (end func(), err error) {
	select {
	case r.turns <- struct{}{}:
		return sync.OnceFunc(func() { <-r.turns }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// sealAndShip seals batch by batch up to the end of the file, and meanwhile ships them in order.
//
// The source is still this goroutine's. The other one knows it by the ledger alone: it takes from
// the head of the outbox while batches are added at its tail, and all it does is to put a batch
// where nobody has put another. Whatever else it meets ends it and stops the sealing; the caller
// then ships with nothing under way.
func (w *work) sealAndShip(ctx context.Context, endTurn func()) (more bool, err error) {
	both, stop := context.WithCancel(ctx)
	defer stop()
	added := make(chan struct{}, 1)
	var g errgroup.Group
	g.Go(func() error {
		err := w.shipAdded(both, added)
		if err != nil {
			stop()
		}
		return err
	})
	sealErr := w.sealRest(both, added)
	endTurn()
	if endsRun(sealErr) {
		stop() // else what is sealed still ships
	}
	close(added)
	shipErr := g.Wait()
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if endsRun(sealErr) && errors.Is(shipErr, context.Canceled) {
		shipErr = nil // a consequence of sealing having ended
	}
	err = w.refresh()
	if endsRun(sealErr) || err != nil {
		return false, firstCause(shipErr, sealErr, err)
	}
	if shipErr == nil {
		return false, sealErr
	}
	// Why sealing stopped is found anew once what waits is shipped: that may change where it goes on.
	return true, nil
}

// firstCause is the first error that tells why. After a commit that failed the ledger says no more
// than that to all that come after the one it told the cause.
func firstCause(errs ...error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, offsets.ErrUnusable) {
			return err
		}
	}
	return offsets.ErrUnusable
}

// endsRun tells whether an error of sealing is neither of one source alone nor a consequence of
// shipping having ended.
func endsRun(err error) bool {
	return err != nil && !stops(err) && !errors.Is(err, context.Canceled)
}

// stops tells whether an error is of one source alone.
func stops(err error) bool { return errors.As(err, new(*stopError)) }

// sealRest seals until there is no more to read, and tells of each batch.
func (w *work) sealRest(ctx context.Context, added chan<- struct{}) error {
	for {
		more, err := w.takeSpooled()
		if err == nil && !more {
			more, err = w.cut(ctx)
		}
		if err != nil || !more {
			return err
		}
		select {
		case added <- struct{}{}:
		default: // it has not yet looked since the last one
		}
	}
}

// shipAdded ships the outbox as it grows, until added is closed and nothing is left.
func (w *work) shipAdded(ctx context.Context, added <-chan struct{}) error {
	for {
		src, ok, err := w.Ledger.Get(w.key)
		if err != nil {
			return err
		}
		if ok && len(src.Outbox) > 0 {
			if err := w.shipFree(ctx, src.Outbox[0]); err != nil {
				return err
			}
			continue
		}
		select {
		case _, open := <-added:
			if !open {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// errTaken says that another batch stands where one was to be put.
var errTaken = errors.New("the start is taken")

// shipFree ships a batch whose start is free or holds that same batch.
func (w *work) shipFree(ctx context.Context, e offsets.Entry) error {
	there, err := w.manifestAt(ctx, w.key, e.Range.Start)
	switch {
	case errors.Is(err, sink.ErrNotFound):
		err = w.put(ctx, e, false)
	case err == nil && (there.End != e.Range.End || there.Seal != e.Seal):
		err = errTaken
	}
	if err != nil {
		return err
	}
	return w.noteShipped(e)
}

// refresh takes over what the ledger says after another goroutine has shipped.
func (w *work) refresh() error {
	src, ok, err := w.Ledger.Get(w.key)
	if err != nil {
		return fmt.Errorf("read source %s in the ledger: %w", w.key.ID, err)
	}
	if !ok && w.src.Serial == 0 {
		return nil // nothing of it was sealed yet
	}
	if !ok || src.Serial != w.src.Serial && w.src.Serial != 0 {
		return fmt.Errorf("source %s gave its id up: %w", w.key.ID, errSettleAgain)
	}
	if src.Sealed.Chain != w.src.Sealed.Chain && w.src.Serial != 0 {
		w.forgetFile()
	}
	w.k = src.K
	w.take(src)
	w.unsent.note(w.key, src)
	for start := range w.counts {
		if start < src.Shipped {
			delete(w.counts, start) // it can no longer be dropped
		}
	}
	return nil
}
