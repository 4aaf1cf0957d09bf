package commit

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

// WhenThereIsRoom runs try, and again for as long as the disk is full: reading pauses, and goes on
// by itself when there is room. try must be safe to repeat.
func (r *Engine) WhenThereIsRoom(ctx context.Context, try func() error) error {
	wait := retry.Growing(roomWaitFirst, roomWaitMax)
	resumed := func() {}
	defer func() { resumed() }()
	full := false
	for {
		err := try()
		if err == nil || !DiskFull(err) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rest, d := SlotOf(ctx).rest(), wait()
		if r.Pausing != nil && !full {
			full, resumed = true, r.Pausing(PausedDisk)
		}
		r.Log.Warn("disk is full: paused until there is room", "error", err, "wait", d)
		if err := rest.pause(ctx, d); err != nil {
			return err
		}
	}
}

// DiskFull tells whether an error is of a full disk. A failed commit of the ledger is not: its
// outcome is unknown, so the run ends.
func DiskFull(err error) bool {
	if errors.As(err, new(*offsets.CommitError)) {
		return false
	}
	var full *spool.FullError
	return errors.As(err, &full) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// PausedDisk says why reading pauses.
const PausedDisk = "the disk is full"
