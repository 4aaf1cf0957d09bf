package s3

import (
	"context"
	"fmt"
	"time"

	"logseal/ingest/sink/retry"
)

// patience counts the attempts at one thing since the last progress. The waits are those of retry.Wait, so
// that a store sees one policy.
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
	pause := retry.Wait(p.attempt, err)
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
