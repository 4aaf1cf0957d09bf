package retry

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"logseal/ingest/sink"
)

// Store is a sink.Store that repeats a call when the store below cannot do it now, as a
// *sink.TransientError says. Wait says how long it waits before. It does not repeat a call that the store
// refuses.
type Store struct {
	sink.Store
	// Limit is how long one call is repeated; 0 for as long as its context lives.
	Limit time.Duration
	// Log gets a line for each wait; nil for none.
	Log *slog.Logger

	retries atomic.Int64
	silence silence
}

var (
	_ sink.Store  = (*Store)(nil)
	_ sink.Prober = (*Store)(nil)
)

// Retries is how often any call was repeated.
func (r *Store) Retries() int64 { return r.retries.Load() }

// Put implements sink.Store. After the first attempt the object may be there.
func (r *Store) Put(ctx context.Context, o sink.Object) error {
	return r.do(ctx, "put", o.Key, func() error {
		err := r.Store.Put(ctx, o)
		o.Maybe = true
		return err
	})
}

// Probe implements sink.Prober, if the store below does.
func (r *Store) Probe(ctx context.Context, o sink.Object) error {
	p, ok := r.Store.(sink.Prober)
	if !ok {
		return nil
	}
	return r.do(ctx, "probe", o.Key, func() error { return p.Probe(ctx, o) })
}

// Get implements sink.Store. Reads of the body are repeated, too.
func (r *Store) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	var (
		body io.ReadCloser
		info sink.Info
	)
	err := r.do(ctx, "get", key, func() (err error) {
		body, info, err = r.Store.Get(ctx, key)
		return err
	})
	if err != nil {
		return nil, info, err
	}
	x := &reader{r: r, ctx: ctx, key: key, body: body, info: info}
	if _, ok := body.(io.ReaderAt); ok {
		return &readerAt{x}, info, nil
	}
	return x, info, nil
}

// Stat implements sink.Store.
func (r *Store) Stat(ctx context.Context, key string) (info sink.Info, err error) {
	err = r.do(ctx, "stat", key, func() (err error) {
		info, err = r.Store.Stat(ctx, key)
		return err
	})
	return info, err
}

// Delete implements sink.Store.
func (r *Store) Delete(ctx context.Context, key string) error {
	return r.do(ctx, "delete", key, func() error { return r.Store.Delete(ctx, key) })
}

// List implements sink.Store. After a fault it lists again and leaves out the keys that it has given. Limit
// counts from the last key that it gave: a list lasts as long as the work its caller does with it.
func (r *Store) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	return func(yield func(sink.Info, error) bool) {
		last, moved := "", true
		for moved {
			moved = false
			err := r.do(ctx, "list", prefix, func() error {
				for info, err := range r.Store.List(ctx, prefix) {
					switch {
					case err != nil && moved:
						return nil // the next attempt is the first since then
					case err != nil:
						return err
					case info.Key <= last:
						continue
					}
					last, moved = info.Key, true
					if !yield(info, nil) {
						moved = false
						return nil
					}
				}
				moved = false
				return nil
			})
			if err != nil {
				yield(sink.Info{}, err)
			}
		}
	}
}

// do calls try until try returns no transient error. While it waits, the caller's slot is free for others.
func (r *Store) do(ctx context.Context, what, key string, try func() error) error {
	var waits backOff
	attempt := 0
	call, err := sink.SlotOf(ctx).Begin(ctx)
	if err != nil {
		return err
	}
	defer call.End()
	defer r.silence.watch(r.Log)()
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		if err := call.GoOn(ctx); err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		attempt++
		err := try()
		r.silence.hear(err)
		var later *sink.TransientError
		if !errors.As(err, &later) || ctx.Err() != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		waits.err = err
		return struct{}{}, err
	}, backoff.WithBackOff(&waits), backoff.WithMaxElapsedTime(r.Limit),
		backoff.WithNotify(func(err error, wait time.Duration) {
			call.Wait()
			r.retries.Add(1)
			if r.Log != nil {
				r.Log.Warn("sink call failed, retrying", "call", what, "key", key,
					"attempt", attempt, "wait", wait.Round(time.Millisecond), "error", err)
			}
		}))
	return err
}

// backOff is Wait, as package backoff asks for it.
type backOff struct {
	attempt int
	err     error // of the attempt
}

var _ backoff.BackOff = (*backOff)(nil)

// Reset implements backoff.BackOff.
func (b *backOff) Reset() { b.attempt = 0 }

// NextBackOff implements backoff.BackOff.
func (b *backOff) NextBackOff() time.Duration {
	b.attempt++
	return Wait(b.attempt, b.err)
}
