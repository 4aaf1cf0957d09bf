package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
)

// cloud is a store as one in object storage is: every request takes its time, Stat gives the
// digest, Get can be read at any offset. It counts what it is asked.
type cloud struct {
	*sinktest.Memory
	latency func() time.Duration
	// claim is a digest that the store gives for a key whatever its bytes are.
	claim map[string][32]byte
	// hidden says that the store knows no digest of a key: another tool copied it there.
	hidden func(key string) bool
	// modified is when an object was put, as stat, get or list say it; zero when they do not.
	modified func(verb, key string) time.Time
	// fail gives the error of a request; nil for none.
	fail func(verb, key string) error

	mu       sync.Mutex // guards what follows
	verbs    map[string]int
	bytes    int64 // read of objects under data/ and quarantine/
	now      int   // requests and reads at once
	nowMax   int
	opened   int // readers not closed
	wholes   int // readers of large objects that are read from their start
	wholeMax int
}

func newCloud(m *sinktest.Memory) *cloud {
	return &cloud{Memory: m, verbs: map[string]int{},
		latency: func() time.Duration { return 0 }, hidden: func(string) bool { return false },
		modified: func(string, string) time.Time { return time.Time{} },
		fail:     func(string, string) error { return nil }}
}

// request is one request: it waits, and counts how many there are.
func (c *cloud) request(ctx context.Context, verb, key string) error {
	c.mu.Lock()
	c.verbs[verb]++
	c.now++
	c.nowMax = max(c.nowMax, c.now)
	err, wait := c.fail(verb, key), c.latency()
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(err, ctx.Err())
}

func (c *cloud) Stat(ctx context.Context, key string) (sink.Info, error) {
	if err := c.request(ctx, "stat", key); err != nil {
		return sink.Info{}, err
	}
	return c.info(ctx, "stat", key)
}

func (c *cloud) info(ctx context.Context, verb, key string) (sink.Info, error) {
	info, err := c.Memory.Stat(ctx, key)
	if err == nil && !c.hidden(key) {
		info.SHA256 = sha256.Sum256(c.Body(key))
	}
	if sum, ok := c.claim[key]; ok {
		info.SHA256 = sum
	}
	info.Modified = c.modified(verb, key)
	return info, err
}

func (c *cloud) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	if err := c.request(ctx, "get", key); err != nil {
		return nil, sink.Info{}, err
	}
	info, err := c.info(ctx, "get", key)
	if err != nil {
		return nil, info, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened++
	return &cloudReader{c: c, ctx: ctx, key: key, Reader: bytes.NewReader(c.Body(key))}, info, nil
}

func (c *cloud) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	return func(yield func(sink.Info, error) bool) {
		for info, err := range c.Memory.List(ctx, prefix) {
			if err == nil {
				c.mu.Lock()
				err = c.fail("list", info.Key)
				c.mu.Unlock()
			}
			info.Modified = c.modified("list", info.Key)
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

func (c *cloud) Delete(ctx context.Context, key string) error {
	if err := c.request(ctx, "delete", key); err != nil {
		return err
	}
	return c.Memory.Delete(ctx, key)
}

// count takes a count for the test.
func (c *cloud) count(verb string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verbs[verb]
}

// cloudReader is an open object. A read at an offset is a request.
type cloudReader struct {
	*bytes.Reader
	c     *cloud
	ctx   context.Context
	key   string
	whole bool
}

func (r *cloudReader) Read(p []byte) (int, error) {
	if r.Size() > tailBytes { // it takes its time
		r.count()
		if err := r.c.request(r.ctx, "read", r.key); err != nil {
			return 0, err
		}
	}
	n, err := r.Reader.Read(p)
	r.took(n)
	return n, err
}

// count counts a large object when it is first read from its start.
func (r *cloudReader) count() {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if !r.whole {
		r.whole = true
		r.c.wholes++
		r.c.wholeMax = max(r.c.wholeMax, r.c.wholes)
	}
}

func (r *cloudReader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.c.request(r.ctx, "range", r.key); err != nil {
		return 0, err
	}
	n, err := r.Reader.ReadAt(p, off)
	r.took(n)
	return n, err
}

func (r *cloudReader) took(n int) {
	if !strings.HasPrefix(r.key, "data/") && !strings.HasPrefix(r.key, "quarantine/") {
		return
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.bytes += int64(n)
}

func (r *cloudReader) Close() error {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.opened--
	if r.whole {
		r.c.wholes--
	}
	return nil
}

// jitter is a latency that mixes up what is under way.
func jitter(seed uint64) func() time.Duration {
	rnd := rand.New(rand.NewPCG(seed, seed))
	return func() time.Duration { return time.Duration(rnd.IntN(1000)) * time.Microsecond }
}
