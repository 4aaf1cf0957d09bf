package pipeline

import (
	"context"
	"errors"
	"syscall"
	"time"

	"logseal/ingest/offsets"
	"logseal/ingest/sink/retry"
	"logseal/ingest/spool"
)

const (
	// roomWaitFirst is about the first pause between two looks for room on a full disk.
	roomWaitFirst = 500 * time.Millisecond
	// roomWaitMax is about the longest.
	roomWaitMax = 10 * time.Second
)

// whenThereIsRoom runs try, and again for as long as the disk is full: reading pauses, and goes on
// by itself when there is room. try must be safe to repeat.
func (r *run) whenThereIsRoom(ctx context.Context, try func() error) error {
	wait := retry.Growing(roomWaitFirst, roomWaitMax)
	resumed := func() {}
	defer func() { resumed() }()
	full := false
	for {
		err := try()
		if err == nil || !diskFull(err) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rest, d := slotOf(ctx).rest(), wait()
		if r.pausing != nil && !full {
			full, resumed = true, r.pausing(pausedDisk)
		}
		r.Log.Warn("disk is full: paused until there is room", "error", err, "wait", d)
		if err := rest.pause(ctx, d); err != nil {
			return err
		}
	}
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
