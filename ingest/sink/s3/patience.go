package s3

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"logseal/ingest/sink"
)

// The waits are those of what repeats a Store's calls, so that a store sees one policy.
const (
	// waitFirst is the most that the first wait may be; each later one may be twice as long.
	waitFirst = 200 * time.Millisecond
	// waitMost caps a wait, so that the end of an outage is seen soon.
	waitMost = 20 * time.Second
	// waitAskedMost bounds what a store may ask for.
	waitAskedMost = 5 * time.Minute
)

// patience counts the attempts of one thing since the last progress. Waits are random between
// nothing and a limit that doubles up to a cap, so that many readers do not come back at once, or
// as long as the store asks for.
type patience struct {
	c       *client
	what    string
	limit   time.Duration
	since   time.Time // of the last progress; zero: it had no fault yet
	attempt int
}

// patiently repeats a call while the store cannot do it now.
func (c *client) patiently(
	ctx context.Context, what string, limit time.Duration, call func() error,
) error {
	p := newPatience(c, what, limit)
	for {
		err := call()
		if !isTransient(err) {
			return err
		}
		if err := p.wait(ctx, err); err != nil {
			return err
		}
	}
}

func newPatience(c *client, what string, limit time.Duration) *patience {
	return &patience{c: c, what: what, limit: limit}
}

// progress forgets the faults so far.
func (p *patience) progress() { p.since, p.attempt = time.Time{}, 0 }

// wait waits before another attempt after err, or returns why there is none.
func (p *patience) wait(ctx context.Context, err error) error {
	p.attempt++
	if p.attempt == 1 {
		p.since = time.Now()
	}
	most := min(waitMost, waitFirst<<min(p.attempt-1, 16))
	pause := rand.N(most)
	var later *sink.TransientError
	if errors.As(err, &later) && later.After > 0 {
		pause = min(later.After, waitAskedMost)
	}
	if stood := time.Since(p.since); stood+pause > p.limit {
		return fmt.Errorf("gave up after %d attempts in %v: %w", p.attempt,
			stood.Round(time.Millisecond), err)
	}
	if p.c.opts.OnRetry != nil {
		p.c.opts.OnRetry(p.what, p.attempt, pause, err)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
