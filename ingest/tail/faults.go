package tail

import (
	"context"
	"errors"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/spool"
)

// fatal tells whether an error is of no source alone: ledger, spool or sink cannot be used any more before
// they are opened again, which a start does, or the sink is not the one that the ledger knows.
func fatal(err error) bool {
	return errors.Is(err, commit.ErrBehind) || errors.Is(err, commit.ErrMeaning) ||
		errors.Is(err, offsets.ErrUnusable) || errors.As(err, new(*offsets.CommitError)) ||
		errors.As(err, new(*offsets.DamagedError)) ||
		errors.Is(err, spool.ErrUnusable) || errors.Is(err, sink.ErrUnusable)
}

// mayPass tells whether an error is of a sink that does not answer now, and not of what it holds.
func mayPass(err error) bool {
	return errors.As(err, new(*sink.TransientError)) || errors.As(err, new(*sink.RefusedError)) ||
		errors.Is(err, context.DeadlineExceeded)
}
