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
	if !w.shipBehind || !w.lowerRefuted() {
		return w.cut(ctx)
	}
	return w.sealAndShip(ctx, endTurn)
}

// takeTurn waits until fewer than Workers sources are being cut. What is shipped takes no turn, so
// that who waits for the network keeps nobody from the processor.
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
	if sealErr != nil && !stops(sealErr) {
		stop() // else what is sealed still ships
	}
	close(added)
	shipErr := g.Wait()
	if err := w.refresh(); err != nil {
		return false, err
	}
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case shipErr == nil, sealErr != nil && !stops(sealErr) && !errors.Is(sealErr, context.Canceled):
		return false, sealErr
	}
	return true, nil
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
	if !ok {
		return nil // nothing of it was sealed yet
	}
	w.src = src
	w.unsent.note(w.key, src)
	for start := range w.counts {
		if start < src.Shipped {
			delete(w.counts, start) // it can no longer be dropped
		}
	}
	return nil
}
