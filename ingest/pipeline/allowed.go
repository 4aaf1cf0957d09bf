package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// refused are those that the sink refuses something now. One of them is told of: what mends that mends
// most likely all.
type refused struct {
	mu   sync.Mutex // guards what follows
	by   map[string]bool
	told string // who is told of
	is   bool   // somebody is
}

// note notes that somebody is refused; true when that one is to be told of.
func (r *refused) note(who string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]bool{}
	}
	r.by[who] = true
	if !r.is {
		r.told, r.is = who, true
	}
	return r.told == who
}

// clear notes that somebody is not; true when that was the one told of.
func (r *refused) clear(who string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.by[who] {
		return false
	}
	delete(r.by, who)
	was := r.is && r.told == who
	r.is = r.is && !was
	return was
}

// untilAllowed runs try for somebody, and again for as long as the sink refuses: that is mended outside,
// and is said with its fix at once. try must be safe to repeat.
func (t *Tail) untilAllowed(ctx context.Context, who string, try func() error) error {
	wait := retry.Growing(laneWaitFirst, laneWaitMax)
	for {
		err := try()
		if err == nil || !errors.As(err, new(*sink.RefusedError)) {
			if t.refused.clear(who) {
				t.notices.clear("", Refused)
			}
			return err
		}
		if t.refused.note(who) {
			t.notices.raise(Problem{Kind: Refused, Message: fmt.Sprintf("%v; it is tried again", err)})
		}
		select {
		case <-time.After(wait()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
