package pipeline

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"logseal/ingest/offsets"
	"logseal/ingest/spool"
)

// roomWaitMax is the longest pause between two looks for room on a full disk.
const roomWaitMax = 10 * time.Second

// whenThereIsRoom runs try, and again for as long as the disk is full: reading pauses, and goes on
// by itself when there is room. try must be safe to repeat.
func (r *run) whenThereIsRoom(ctx context.Context, try func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = roomWaitMax
	resumed := func() {}
	defer func() { resumed() }()
	full := false
	rest := &slotCall{}
	defer func() { rest.End() }()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := rest.GoOn(ctx); err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		rest.End()
		rest = &slotCall{}
		err := try()
		if err != nil && !diskFull(err) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, d time.Duration) {
			rest = slotOf(ctx).rest()
			if r.pausing != nil && !full {
				full, resumed = true, r.pausing(pausedDisk)
			}
			r.Log.Warn("disk is full: paused until there is room", "error", err, "wait", d)
		}))
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		return permanent.Unwrap()
	}
	return err
}

// diskFull tells whether an error is of a full disk. A failed commit of the ledger is not: its
// outcome is unknown, so the run ends.
func diskFull(err error) bool {
	if errors.As(err, new(*offsets.CommitError)) {
		return false
	}
	var full *spool.FullError
	return errors.As(err, &full) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
