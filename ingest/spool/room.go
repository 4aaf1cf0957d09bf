package spool

import (
	"context"
	"slices"
	"sync"
)

// room is what the spool holds and may still hold. Waiters are served in the order they came, so
// a large batch is not passed by small ones without end.
//
// It cannot deadlock: who waits, waits because something is counted, and everything counted goes
// by itself: a reservation when its batch is sealed or given up, a batch when it is shipped, which
// needs no room.
type room struct {
	limit int64 // 0 for none

	mu       sync.Mutex // guards what follows
	sizes    map[string]int64
	held     map[string]bool // of sizes: not counted
	counted  int64           // of sizes
	reserved int64
	waiting  []*waiter
}

type waiter struct {
	n     int64
	ready chan struct{} // closed once n is reserved
}

func newRoom(limit int64) room {
	return room{limit: limit, sizes: map[string]int64{}, held: map[string]bool{}}
}

// Size is how many bytes the complete batches hold.
func (s *Spool) Size() int64 {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	var n int64
	for _, size := range s.room.sizes {
		n += size
	}
	return n
}

// Reserve waits until n more bytes fit under the limit: batches and other reservations counted.
// When there are neither it returns at once whatever n is, so one batch always passes. The caller
// must call release, once its batch is committed or given up; more calls do nothing. When ctx ends
// first nothing is reserved.
func (s *Spool) Reserve(ctx context.Context, n int64) (release func(), err error) {
	r := &s.room
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &waiter{n: n, ready: make(chan struct{})}
	r.mu.Lock()
	r.waiting = append(r.waiting, w)
	r.wake()
	r.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		if r.leave(w) {
			return nil, ctx.Err()
		}
	}
	return sync.OnceFunc(func() { r.release(n) }), nil
}

// leave takes w out of the queue; false when its room is reserved already.
func (r *room) leave(w *waiter) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.waiting, w)
	if i < 0 {
		return false
	}
	r.waiting = slices.Delete(r.waiting, i, i+1)
	r.wake() // those behind it may fit
	return true
}

// Hold stops counting a batch against the limit until the spool is opened again: that of a source
// that is stopped must not keep others from going on.
func (s *Spool) Hold(name string) {
	r := &s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if size, ok := r.sizes[name]; ok && !r.held[name] {
		r.held[name] = true
		r.counted -= size
		r.wake()
	}
}

func (r *room) add(name string, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.sizes[name]; !ok {
		r.sizes[name] = size
		r.counted += size
	}
}

func (r *room) remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.held[name] {
		r.counted -= r.sizes[name]
	}
	delete(r.sizes, name)
	delete(r.held, name)
	r.wake()
}

func (r *room) release(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reserved -= n
	r.wake()
}

// wake reserves for those that wait, as far as the room goes. r.mu is held.
func (r *room) wake() {
	for len(r.waiting) > 0 {
		w := r.waiting[0]
		used := r.counted + r.reserved
		if r.limit > 0 && used > 0 && w.n > r.limit-used {
			return
		}
		r.reserved += w.n
		r.waiting = r.waiting[1:]
		close(w.ready)
	}
}
