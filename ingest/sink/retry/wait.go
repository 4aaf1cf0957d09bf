package retry

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"logseal/ingest/sink"
)

const (
	// waitFirst is the most that the first wait may be; each later one may be twice as long.
	waitFirst = 200 * time.Millisecond
	// waitMost caps a wait, so that the end of an outage is seen soon.
	waitMost = 20 * time.Second
	// waitAskedMost bounds the wait that a store may ask for.
	waitAskedMost = 5 * time.Minute
)

// Wait is how long to wait before the next attempt, after attempt (the first is 1) ended with err. The wait
// is random between nothing and a limit that doubles up to a cap (full jitter), so that many callers do not
// come back at once; or it is as long as the store asks for in a *sink.TransientError.
func Wait(attempt int, err error) time.Duration {
	var later *sink.TransientError
	if errors.As(err, &later) && later.After > 0 {
		return min(later.After, waitAskedMost)
	}
	const doublings = 16 // far past waitMost, far from an overflow
	return rand.N(min(waitMost, waitFirst<<min(attempt-1, doublings)))
}

// Growing gives the waits of one thing that a person must put right, a full disk or a permission: each call
// of next is a wait that is half as long again as the one before, give or take a half at random, from first
// up to most. next is for one goroutine.
func Growing(first, most time.Duration) (next func() time.Duration) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = first, most
	return waits.NextBackOff
}
