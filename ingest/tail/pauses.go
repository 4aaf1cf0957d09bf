package tail

import (
	"context"
	"sync"
	"time"

	"logseal/ingest/commit"
)

// pauses keeps account of how long reading has been held up.
type pauses struct {
	mu      sync.Mutex
	waiting map[*pause]bool
	total   time.Duration // while at least one waited
	since   time.Time     // since when at least one waits
}

type pause struct {
	why   string
	since time.Time
}

// begin notes that something waits; the func it returns that it does no longer.
func (p *pauses) begin(why string) (end func()) {
	one := &pause{why, time.Now()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[*pause]bool{}
	}
	if len(p.waiting) == 0 {
		p.since = one.since
	}
	p.waiting[one] = true
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, one)
		if len(p.waiting) == 0 {
			p.total += time.Since(p.since)
		}
	})
}

// pauseShown is how long something waits before that is called a pause.
const pauseShown = 100 * time.Millisecond

// now gives the time paused in all, and why reading is paused now.
func (p *pauses) now() (total time.Duration, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	total = p.total
	if len(p.waiting) > 0 {
		total += time.Since(p.since)
	}
	for one := range p.waiting {
		if time.Since(one.since) >= pauseShown {
			why = one.why
		}
	}
	return total, why
}

// pausingSpool is a Spool whose waits for room are pauses.
type pausingSpool struct {
	commit.Spool
	paused *pauses
}

// Reserve implements Spool.
func (s *pausingSpool) Reserve(ctx context.Context, n int64) (release func(), err error) {
	end := s.paused.begin("the spool is full")
	defer end()
	return s.Spool.Reserve(ctx, n)
}
