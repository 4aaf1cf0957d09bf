package tail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing/iotest"
	"time"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
)

// storm is what befalls the calls of a store. What befalls one is drawn from its name and from how
// often it was made, whichever goroutine comes first.
type storm struct {
	mu    sync.Mutex // guards what follows
	seed  uint64     // 0: nothing
	calls map[string]uint64
	down  bool
	calm  time.Time // when it ended last
}

func (s *storm) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

func (s *storm) rages() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seed != 0
}

// isFelt reports whether a call may fail now: a slow one may have begun a while ago.
func (s *storm) isFelt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seed != 0 || s.down || time.Since(s.calm) < 3*napMost
}

func (s *storm) set(seed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seed, s.calm = seed, time.Now()
}

func (s *storm) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.calm = down, time.Now()
}

// over ends it.
func (s *storm) over() {
	s.set(0)
	s.setDown(false)
}

// luck is what the next call of a name is drawn from; nil when nothing befalls it.
func (s *storm) luck(what, key string) *rand.Rand {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seed == 0 {
		return nil
	}
	if s.calls == nil {
		s.calls = map[string]uint64{}
	}
	name := what + " " + key
	s.calls[name]++
	return rand.New(rand.NewPCG(s.seed, hashOf(name, s.calls[name])))
}

// stormy is a store in a storm.
type stormy struct {
	sink.Store
	*storm
}

// napMost is how slow a call may be.
const napMost = 30 * time.Second

// nap makes one call in eight slow, a few of them slower than anyone waits for.
func nap(ctx context.Context, r *rand.Rand) error {
	if r.IntN(8) > 0 {
		return nil
	}
	d := time.Duration(r.Int64N(int64(napMost)))
	if r.IntN(4) > 0 {
		d /= 15
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fault fails one call in eight.
func fault(r *rand.Rand, what, key string) error {
	switch r.IntN(40) {
	case 0, 1:
		return &sink.TransientError{Err: fmt.Errorf("%s %s: transient", what, key)}
	case 2:
		return &sink.RefusedError{Err: fmt.Errorf("%s %s: refused", what, key), Fix: "wait"}
	case 3:
		return fmt.Errorf("%s %s: odd", what, key)
	case 4:
		return fmt.Errorf("%s %s: %w", what, key, context.Canceled) // though nobody did
	}
	return nil
}

// before is what befalls a call before it does anything.
func (s stormy) before(ctx context.Context, r *rand.Rand, what, key string) error {
	if s.isDown() && (*modelFaults || what == "put") {
		return &sink.TransientError{Err: fmt.Errorf("%s %s: down", what, key)}
	}
	if r == nil {
		return nil
	}
	if err := nap(ctx, r); err != nil {
		return err
	}
	return fault(r, what, key)
}

// change makes a call that changes the store: it may be done although it says that it failed, at once
// or when its sender has long given up.
func (s stormy) change(ctx context.Context, what, key string, do func(context.Context) error) error {
	r := s.luck(what, key)
	if err := s.before(ctx, r, what, key); err != nil || r == nil {
		if err == nil {
			err = do(ctx)
		}
		return err
	}
	switch r.IntN(24) {
	case 0:
		do(ctx)
		return &sink.TransientError{Err: fmt.Errorf("%s %s: reply lost", what, key)}
	case 1:
		do(ctx)
		return fmt.Errorf("%s %s: odd reply", what, key)
	case 2:
		time.AfterFunc(time.Duration(r.IntN(60_000))*time.Millisecond, func() { do(context.Background()) })
		return &sink.TransientError{Err: fmt.Errorf("%s %s: under way", what, key)}
	}
	if err := do(ctx); err != nil {
		return err
	}
	return nap(ctx, r)
}

func (s stormy) Put(ctx context.Context, o sink.Object) error {
	if !s.rages() {
		return s.change(ctx, "put", o.Key, func(ctx context.Context) error { return s.Store.Put(ctx, o) })
	}
	// What is under way holds its bytes.
	body, err := bodyOf(o)
	if err != nil {
		return err
	}
	o.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return s.change(ctx, "put", o.Key, func(ctx context.Context) error { return s.Store.Put(ctx, o) })
}

func bodyOf(o sink.Object) ([]byte, error) {
	f, err := o.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func (s stormy) Delete(ctx context.Context, key string) error {
	return s.change(ctx, "delete", key, func(ctx context.Context) error { return s.Store.Delete(ctx, key) })
}

// Get gives now and then a body that breaks off.
func (s stormy) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	r := s.luck("get", key)
	if err := s.before(ctx, r, "get", key); err != nil {
		return nil, sink.Info{}, err
	}
	body, info, err := s.Store.Get(ctx, key)
	if err == nil && r != nil && r.IntN(16) == 0 {
		broken := iotest.ErrReader(&sink.TransientError{Err: fmt.Errorf("get %s: broken off", key)})
		half := io.MultiReader(io.LimitReader(body, info.Size/2), broken)
		return readCloser{half, body}, info, nil
	}
	return body, info, err
}

type readCloser struct {
	io.Reader
	io.Closer
}

func (s stormy) Stat(ctx context.Context, key string) (sink.Info, error) {
	if err := s.before(ctx, s.luck("stat", key), "stat", key); err != nil {
		return sink.Info{}, err
	}
	return s.Store.Stat(ctx, key)
}

// List misses now and then the last key, as one that does not know of a put yet, or breaks off.
func (s stormy) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	r := s.luck("list", prefix)
	if err := s.before(ctx, r, "list", prefix); err != nil {
		return func(yield func(sink.Info, error) bool) { yield(sink.Info{}, err) }
	}
	if r == nil {
		return s.Store.List(ctx, prefix)
	}
	var all []sink.Info
	var end error
	for info, err := range s.Store.List(ctx, prefix) {
		if end = err; err == nil {
			all = append(all, info)
		}
	}
	switch n := len(all); {
	case n > 0 && r.IntN(8) == 0:
		all = all[:n-1]
	case n > 0 && r.IntN(8) == 0:
		all, end = all[:n/2], &sink.TransientError{Err: fmt.Errorf("list %s: broken off", prefix)}
	}
	return func(yield func(sink.Info, error) bool) {
		for _, info := range all {
			if !yield(info, nil) {
				return
			}
		}
		if end != nil {
			yield(sink.Info{}, end)
		}
	}
}

// errOdd is a disk's.
var errOdd = errors.New("odd")

// faultyFiles makes one call on a file fail, or all openings of one file, until it is called again.
func (m *model) faultyFiles() {
	paths := m.fs.Paths()
	if m.flip() || len(paths) == 0 {
		m.fs.SetFault(nil)
		return
	}
	calls := []filestest.Op{filestest.OpOpen, filestest.OpStat, filestest.OpRead, filestest.OpHandleStat}
	at, locked, plain := int64(m.between(1, 60)), oneOf(m.rng, paths...), m.flip()
	if m.flip() {
		at = -1
	}
	var n atomic.Int64
	m.fs.SetFault(func(op filestest.Op, path string, off int64) error {
		switch {
		case at < 0 && op == filestest.OpOpen && path == locked:
			return &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}
		case !slices.Contains(calls, op) || n.Add(1) != at:
			return nil
		case plain:
			return fmt.Errorf("%s %s: %w", op, path, errOdd)
		}
		return &fs.PathError{Op: string(op), Path: path, Err: errOdd}
	})
}

// weather begins a storm or ends it.
func (m *model) weather() {
	if m.storm.rages() {
		m.storm.set(0)
		return
	}
	m.storm.set(m.rng.Uint64() | 1)
}

func (m *model) outage() {
	m.storm.setDown(!m.storm.isDown())
	m.turned = time.Now()
}

// fillSpool lets nothing more be sealed, or ends that.
func (m *model) fillSpool() {
	m.spoolIsFull(!m.full.Load())
	if !m.full.Load() || m.tail == nil {
		return
	}
	for path, at := range m.changed {
		if !m.tail.LastLook().After(at) {
			m.blind[path] = true // its reader may have waited for room all the time
		}
	}
}

// hideSpool makes what is in the spool unreadable, or ends that.
func (m *model) hideSpool() {
	fault := oneOf(m.rng, syscall.EIO, syscall.EMFILE)
	if now, _ := m.unreadable.Load().(syscall.Errno); now != 0 {
		fault = 0
	}
	m.unreadable.Store(fault)
}

// calm ends all that fails.
func (m *model) calm() {
	m.storm.over()
	m.fs.SetFault(nil)
	m.spoolIsFull(false)
	m.unreadable.Store(syscall.Errno(0))
}

// elsewhere has somebody else, of the same origin, ship the whole lines of a log under a state that
// nobody sees again: what a host does that was set up anew.
func (m *model) elsewhere() {
	body := m.fs.Bytes(m.pick())
	body = body[:bytes.LastIndexByte(body, '\n')+1]
	if len(body) == 0 {
		return
	}
	dir, err := modelDir()
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	q := &pond{t: m.t, fs: filestest.New(), sink: m.sink, dir: dir, cfg: m.cfg}
	q.fs.Write("/logs/log", body)
	m.others = append(m.others, q)
	q.start()
	m.pass(70 * time.Second)
	q.finish()
	m.others = m.others[:len(m.others)-1]
	m.past = append(m.past, string(body))
}
