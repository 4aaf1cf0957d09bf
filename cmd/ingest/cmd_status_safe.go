package main

import (
	"context"

	"logseal/ingest/config"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/service"
	"logseal/ingest/sink"
	"logseal/ingest/verify/deletion"
)

// safe answers from a ledger that nobody else has open.
func (s *statusCmd) safe(
	ctx context.Context, a *app, at *location.Location, c *config.Config, ledger *offsets.Ledger, res *statusResult,
) error {
	from := input.NewFS(ctx, a.log, at.Bucket)
	path, err := from.Absolute(s.SafeToDelete)
	if err != nil {
		return err
	}
	judge := service.NewJudge(c, ledger, from, s.Timeout, func() (sink.Store, error) {
		ledger.Close() // a tail may want it while a sink that is slow or away is asked
		return at.OpenReader(ctx, a.log)
	})
	res.Safe, err = judge.Ask(ctx, path)
	if err != nil {
		return err
	}
	return tellSafe(a, res.Safe)
}

// tellSafe says the answer; no is an error.
func tellSafe(a *app, x *deletion.Answer) error {
	if x.Safe {
		a.say("%s, %d bytes: safe to delete, %s", x.Path, x.Size, x.Reason)
	}
	return x.Refusal()
}
