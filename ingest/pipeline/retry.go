package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"logseal/ingest/sink"
)

const (
	// retryFirst is the most that the first wait may be; each later one may be twice as long.
	retryFirst = 200 * time.Millisecond
	// retryMost caps a wait, so that an outage is noticed to be over soon after.
	retryMost = 20 * time.Second
	// retryAfterMost bounds what a store may ask for.
	retryAfterMost = 5 * time.Minute
)

// Retrier is a sink.Store that repeats what the store below could not do now, with waits that are
// random between nothing and a limit that doubles up to a cap (full jitter), or as long as the store
// asks for. What a store refuses is not repeated.
type Retrier struct {
	sink.Store
	// Limit is for how long one call is repeated; 0 for as long as its context lives.
	Limit time.Duration
	// Log gets a line for each wait; nil for none.
	Log *slog.Logger

	retries atomic.Int64
	silence silence
}

var (
	_ sink.Store  = (*Retrier)(nil)
	_ sink.Prober = (*Retrier)(nil)
)

// Retries is how often anything was repeated.
func (r *Retrier) Retries() int64 { return r.retries.Load() }

// Put implements sink.Store. After the first attempt the object may be there.
func (r *Retrier) Put(ctx context.Context, o sink.Object) error {
	return r.do(ctx, "put", o.Key, func() error {
		err := r.Store.Put(ctx, o)
		o.Maybe = true
		return err
	})
}

// Probe implements sink.Prober, if the store below does.
func (r *Retrier) Probe(ctx context.Context, o sink.Object) error {
	p, ok := r.Store.(sink.Prober)
	if !ok {
		return nil
	}
	return r.do(ctx, "probe", o.Key, func() error { return p.Probe(ctx, o) })
}

// Get implements sink.Store. Reading what it gives is repeated, too.
func (r *Retrier) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
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
	reader := &retryReader{r: r, ctx: ctx, key: key, body: body, info: info}
	if _, ok := body.(io.ReaderAt); ok {
		return &retryReaderAt{reader}, info, nil
	}
	return reader, info, nil
}

// Stat implements sink.Store.
func (r *Retrier) Stat(ctx context.Context, key string) (info sink.Info, err error) {
	err = r.do(ctx, "stat", key, func() (err error) {
		info, err = r.Store.Stat(ctx, key)
		return err
	})
	return info, err
}

// Delete implements sink.Store.
func (r *Retrier) Delete(ctx context.Context, key string) error {
	return r.do(ctx, "delete", key, func() error { return r.Store.Delete(ctx, key) })
}

// List implements sink.Store. After a fault it lists anew and passes over what it has given. Limit
// counts from the last that it gave: a list lasts as long as what is done with it.
func (r *Retrier) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
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

// do calls try until it gives something else than a transient error. While it waits its caller's slot
// is free for others.
func (r *Retrier) do(ctx context.Context, what, key string, try func() error) error {
	var wait fullJitter
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
		wait.after = later.After
		return struct{}{}, err
	}, backoff.WithBackOff(&wait), backoff.WithMaxElapsedTime(r.Limit),
		backoff.WithNotify(func(err error, wait time.Duration) {
			call.Wait()
			r.retries.Add(1)
			if r.Log != nil {
				r.Log.Warn("the sink could not do it now; trying again", "call", what, "key", key,
					"attempt", attempt, "wait", wait.Round(time.Millisecond), "error", err)
			}
		}))
	return err
}

// fullJitter waits at random between nothing and a limit that doubles up to retryMost, or as long
// as the store asks for.
type fullJitter struct {
	limit time.Duration
	after time.Duration
}

// Reset implements backoff.BackOff.
func (j *fullJitter) Reset() { j.limit = retryFirst }

// NextBackOff implements backoff.BackOff.
func (j *fullJitter) NextBackOff() time.Duration {
	wait := rand.N(j.limit)
	j.limit = min(2*j.limit, retryMost)
	if j.after > 0 {
		return min(j.after, retryAfterMost)
	}
	return wait
}

// retryReader reads an object on where it broke. Objects are immutable, so what it gets anew is the
// same one.
type retryReader struct {
	r    *Retrier
	ctx  context.Context // of Get, which its reads belong to
	key  string
	info sink.Info
	body io.ReadCloser // nil after a fault
	off  int64         // of the next Read
	at   int64         // where body is
}

// Read implements io.Reader.
func (x *retryReader) Read(p []byte) (n int, err error) {
	err = x.attempt(func() error {
		if err := x.skip(); err != nil {
			return err
		}
		n, err = x.body.Read(p)
		x.at += int64(n)
		if n > 0 && err != io.EOF {
			return nil // a fault shows again at the next read
		}
		return err
	})
	x.off += int64(n)
	return n, err
}

// attempt calls read with an open body, until it gives something else than a transient error.
func (x *retryReader) attempt(read func() error) error {
	return x.r.do(x.ctx, "read", x.key, func() error {
		err := x.reopen()
		if err == nil {
			err = read()
		}
		if x.body != nil && errors.As(err, new(*sink.TransientError)) {
			x.body.Close()
			x.body = nil
		}
		return err
	})
}

// reopen gets the object anew after a fault.
func (x *retryReader) reopen() error {
	if x.body != nil {
		return nil
	}
	body, info, err := x.r.Store.Get(x.ctx, x.key)
	if err != nil {
		return err
	}
	if info.Size != x.info.Size {
		body.Close()
		return fmt.Errorf("get %s: %w", x.key, &sink.DamagedError{
			Err: fmt.Errorf("it had %d bytes and now has %d", x.info.Size, info.Size)})
	}
	x.body, x.at = body, 0
	return nil
}

// skip goes to where the next byte is due.
func (x *retryReader) skip() error {
	n, err := io.CopyN(io.Discard, x.body, x.off-x.at)
	x.at += n
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close implements io.Closer.
func (x *retryReader) Close() error {
	if x.body == nil {
		return nil
	}
	return x.body.Close()
}

// retryReaderAt is a retryReader of an object that can be read at an offset, too.
type retryReaderAt struct{ *retryReader }

// ReadAt implements io.ReaderAt. Unlike most it is for one goroutine.
func (x *retryReaderAt) ReadAt(p []byte, off int64) (n int, err error) {
	err = x.attempt(func() error {
		n, err = x.body.(io.ReaderAt).ReadAt(p, off)
		return err
	})
	return n, err
}
