package deletion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"logseal/ingest/sink"
	"logseal/ingest/table"
)

// statsAtOnce is how many objects are asked about at the same time.
const statsAtOnce = 16

// lacking returns what is wrong with the objects that hold the records of these batches, "" when they all
// are as they were put: then the log can be had back from them.
func (p *proof) lacking(ctx context.Context, batches []committed) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	slots := make(chan struct{}, statsAtOnce)
	var (
		wait   sync.WaitGroup
		mu     sync.Mutex
		reason string
		failed error
	)
	for _, b := range batches {
		for _, o := range b.objects() {
			slots <- struct{}{}
			wait.Go(func() {
				defer func() { <-slots }()
				why, err := p.amiss(ctx, b, o)
				mu.Lock()
				defer mu.Unlock()
				reason = cmp.Or(reason, why)
				if err != nil && failed == nil {
					failed = err
					cancel()
				}
			})
		}
	}
	wait.Wait()
	return reason, failed
}

// objects are what a batch has put; none for a loss.
func (c committed) objects() []table.Object {
	if c.batch == nil {
		return nil
	}
	return c.batch.Objects
}

// amiss returns what is wrong with an object of a batch. One that is older than its stream keeps them was
// there, and is nobody's concern any more.
func (p *proof) amiss(ctx context.Context, b committed, o table.Object) (string, error) {
	info, err := p.store.stat(ctx, o.Key)
	switch {
	case errors.Is(err, sink.ErrNotFound) && p.expired(b):
		return "", nil
	case errors.Is(err, sink.ErrNotFound):
		return fmt.Sprintf("%s, which holds a part of it, is not in the sink any more; load the log again "+
			"under a new version, or restore the object", o.Key), nil
	case err != nil:
		return "", err
	case info.Size != o.Bytes:
		return fmt.Sprintf("%s, which holds a part of it, has %d bytes and not %d: the sink is damaged",
			o.Key, info.Size, o.Bytes), nil
	case info.SHA256 != [32]byte{} && info.SHA256 != o.SHA256:
		return fmt.Sprintf("%s, which holds a part of it, has other bytes than were put: the sink is damaged",
			o.Key), nil
	}
	return "", nil
}

// expired reports whether a batch was put longer ago than its stream keeps objects.
func (p *proof) expired(b committed) bool {
	keep, ok := p.retention[b.batch.Stream]
	return ok && !b.put.IsZero() && time.Since(b.put) > keep
}
