package verify

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

const (
	// checksMax is how many objects are asked for at once, beside aheadMax manifests. A request to
	// a bucket takes some 30 ms and costs nothing here while it waits.
	checksMax = 32

	// readsMax is how many objects are read whole at once, of as many batches with Deep: enough to
	// fill a disk, or the cores that hash and decode.
	readsMax = 4
	// readBytesMax is how many bytes they may have together, of the log with Deep and of the objects
	// without: what a row group and its marks take grows with them. What is larger is read alone.
	readBytesMax = 256 << 20
)

// tasks runs what work starts, at most n at once, and waits for it. The error of a task ends work
// and the other tasks.
func (v *verifier) tasks(ctx context.Context, n int, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(n)
	v.start = func(task func(ctx context.Context) error) {
		g.Go(func() error { return task(ctx) })
	}
	err := work(ctx)
	if err != nil {
		cancel()
	}
	// When a task failed first, all that work can say is that it was cancelled.
	if first := g.Wait(); first != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return first
	}
	return err
}

// turn waits for leave to read n bytes; done gives it back.
func (v *verifier) turn(ctx context.Context, n int64) (done func(), err error) {
	n = min(max(n, readBytesMax/readsMax), readBytesMax)
	if err := v.reads.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { v.reads.Release(n) }, nil
}
