package commit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/offsets"
)

// sealOn gets a batch into the outbox, or finds that there is no more to read. Where nothing
// forbids it goes on to the end of the file while a second goroutine ships what is sealed.
func (h *shipper) sealOn(ctx context.Context) (more bool, err error) {
	endTurn, err := h.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	if took, err := h.Orphans.TakeSpooled(); took || err != nil {
		return took, err
	}
	if adopted, err := h.lookAhead(ctx); adopted || err != nil {
		return adopted, err
	}
	if !h.ShipBehind || !h.MayBegin() {
		return h.Cutter.Cut(ctx)
	}
	return h.sealAndShip(ctx, endTurn)
}

// TakeTurn waits until fewer than Workers sources are being cut. Shipping takes no turn, so what
// waits for the network keeps nothing from the processor but a source of which others may be ahead.
func (r *Engine) TakeTurn(ctx context.Context) (end func(), err error) {
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
func (h *shipper) sealAndShip(ctx context.Context, endTurn func()) (more bool, err error) {
	both, stop := context.WithCancel(ctx)
	defer stop()
	added := make(chan struct{}, 1)
	var g errgroup.Group
	g.Go(func() error {
		err := h.shipAdded(both, added)
		if err != nil {
			stop()
		}
		return err
	})
	sealErr := h.sealRest(both, added)
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
	err = h.Refresh()
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

// endsRun reports whether an error of sealing is neither of one source alone nor a consequence of
// shipping having ended.
func endsRun(err error) bool {
	return err != nil && !Stops(err) && !errors.Is(err, context.Canceled)
}

// Stops reports whether an error is of one source alone.
func Stops(err error) bool { return errors.As(err, new(*StopError)) }

// sealRest seals until there is no more to read, and tells of each batch.
func (h *shipper) sealRest(ctx context.Context, added chan<- struct{}) error {
	for {
		more, err := h.Orphans.TakeSpooled()
		if err == nil && !more {
			more, err = h.Cutter.Cut(ctx)
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
func (h *shipper) shipAdded(ctx context.Context, added <-chan struct{}) error {
	for {
		src, ok, err := h.Ledger.Get(h.Key)
		if err != nil {
			return err
		}
		if ok && len(src.Outbox) > 0 {
			if err := h.ShipFree(ctx, src.Outbox[0]); err != nil {
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

// ShipFree ships a batch whose start is free or holds that same batch.
func (h *shipper) ShipFree(ctx context.Context, e offsets.Entry) error {
	there, _, err := h.putIfFree(ctx, e, false)
	switch {
	case err != nil:
		return err
	case there != nil:
		return errTaken
	}
	return h.noteShipped(e)
}

// Refresh takes over what the ledger says after another goroutine has shipped.
func (h *shipper) Refresh() error {
	src, ok, err := h.Ledger.Get(h.Key)
	if err != nil {
		return fmt.Errorf("read source %s in the ledger: %w", h.Key.ID, err)
	}
	if !ok && h.Src.Serial == 0 {
		return nil // nothing of it was sealed yet
	}
	if !ok || src.Serial != h.Src.Serial && h.Src.Serial != 0 {
		return fmt.Errorf("source %s gave its id up: %w", h.Key.ID, ErrSettleAgain)
	}
	if src.Sealed.Chain != h.Src.Sealed.Chain && h.Src.Serial != 0 {
		h.ForgetFile()
	}
	h.K = src.K
	h.take(src)
	h.Recovery.unsent.note(h.Key, src)
	for start := range h.Cutter.counts {
		if start < src.Shipped {
			delete(h.Cutter.counts, start) // it can no longer be dropped
		}
	}
	return nil
}
