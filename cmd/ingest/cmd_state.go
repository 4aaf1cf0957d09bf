package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/service"
	"logseal/ingest/spool"
)

// stateCmd is `ingest state`.
type stateCmd struct {
	Ls      stateLsCmd      `cmd:"" help:"List what the ledger knows."`
	Check   stateCheckCmd   `cmd:"" help:"Check ledger and spool; changes nothing."`
	Rebuild stateRebuildCmd `cmd:"" help:"Move the ledger aside; the next load recreates it."`
}

type stateLsCmd struct {
	locationFlags `embed:""`
}

// Help is what --help says besides the flags.
func (*stateLsCmd) Help() string {
	return "Example:\n  ingest state ls --state logseal-out/.state"
}

// stateResult is the JSON object of `state ls` and `state check`.
type stateResult struct {
	outcome
	Sink     string        `json:"sink"`
	State    string        `json:"state"`
	WriterID string        `json:"writer_id"`
	Sources  []ledgerEntry `json:"sources"`
	Problems []string      `json:"problems"`
}

// ledgerEntry is all that the ledger has of a source.
type ledgerEntry struct {
	service.Source
	Highest int64        `json:"highest"`
	OpenEnd bool         `json:"open_end"`
	Ends    []int64      `json:"ends"`
	Waiting []outboxJSON `json:"waiting"`
}

type outboxJSON struct {
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	Spool string `json:"spool"`
}

func newStateResult() *stateResult {
	return &stateResult{Sources: []ledgerEntry{}, Problems: []string{}}
}

// Run implements the command.
func (s *stateLsCmd) Run(a *app) error {
	res := newStateResult()
	a.result = res
	if err := res.read(&s.locationFlags); err != nil {
		return err
	}
	a.show("sink    %s\nstate   %s\nwriter  %s\n%s", res.Sink, res.State, res.WriterID,
		count(int64(len(res.Sources)), "source"))
	for _, e := range res.Sources {
		a.show("\n%s/v%d %s k %d\n  path     %s\n  sealed   %d\n  shipped  %d\n  ends     %d",
			e.Stream, e.Version, e.SID, e.K, e.Path, e.Sealed, e.Shipped, e.Ends)
		for _, w := range e.Waiting {
			a.show("  waiting  [%d, %d) %s", w.Start, w.End, w.Spool)
		}
	}
	return nil
}

// read fills the result from the ledger.
func (r *stateResult) read(f *locationFlags) error {
	c, err := f.config()
	if err != nil {
		return err
	}
	at, ledger, err := f.openState(c)
	if err != nil {
		return err
	}
	defer ledger.Close()
	r.Sink, r.State, r.WriterID = at.Sink, at.State, ledger.Meta().WriterID
	keys, err := ledger.All()
	if err != nil {
		return err
	}
	for _, key := range keys {
		src, _, err := ledger.Get(key)
		if err != nil {
			return err
		}
		ends, err := ledger.Ends(key)
		if err != nil {
			return err
		}
		e := ledgerEntry{Source: service.DescribeSource(key, src), Highest: src.Highest,
			OpenEnd: src.OpenEnd, Ends: []int64{}, Waiting: []outboxJSON{}}
		for _, end := range ends {
			e.Ends = append(e.Ends, end.Offset)
		}
		for _, x := range src.Outbox {
			e.Waiting = append(e.Waiting, outboxJSON{x.Range.Start, x.Range.End, x.Spool})
		}
		r.Sources = append(r.Sources, e)
	}
	return nil
}

type stateCheckCmd struct {
	locationFlags `embed:""`
}

// Help is what --help says besides the flags.
func (*stateCheckCmd) Help() string {
	return help(`
It exits 1 when the ledger is damaged or another's, and 3 when a batch that waits to be shipped
is not in the spool: load makes it again from its source.

Example:
  ingest state check -c ingest.yaml`)
}

// Run implements the command.
func (s *stateCheckCmd) Run(a *app) error {
	res := newStateResult()
	a.result = res
	if err := res.read(&s.locationFlags); err != nil {
		return err
	}
	at := &location.Location{State: res.State}
	if err := offsets.Check(at.State); err != nil {
		return err
	}
	entries, err := spool.List(at.Spool())
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, e := range entries {
		have[e.Name] = true
	}
	for _, src := range res.Sources {
		for _, w := range src.Waiting {
			if !have[w.Spool] {
				res.Problems = append(res.Problems, fmt.Sprintf("batch %s of %s is not in the spool",
					w.Spool, src.Path))
			}
		}
	}
	a.say("ledger in %s: ok, %s; spool: %s", at.State, count(int64(len(res.Sources)), "source"),
		count2(len(entries), "batch", "batches"))
	for _, p := range res.Problems {
		a.warn("%s", p)
	}
	if len(res.Problems) > 0 {
		return exitf(exitLook, "%s; `ingest load` makes it again from the source", res.Problems[0])
	}
	return nil
}

type stateRebuildCmd struct {
	locationFlags `embed:""`
	trustFlag     `embed:""`
}

// Help is what --help says besides the flags.
func (*stateRebuildCmd) Help() string {
	return help(`
For a ledger that is damaged, or another sink's. Nothing is lost by it: the next load finds in
the sink and the spool what was done. The old file stays beside the new one until you delete it.

Example:
  ingest state rebuild --state logseal-out/.state`)
}

// rebuildResult is the JSON object of `state rebuild`.
type rebuildResult struct {
	outcome
	State string `json:"state"`
	Aside string `json:"aside"` // where the old ledger is now
}

// Run implements the command.
func (s *stateRebuildCmd) Run(_ context.Context, a *app) error {
	res := &rebuildResult{}
	a.result = res
	c, err := s.config()
	if err != nil {
		return err
	}
	at, err := s.location(c)
	if err != nil {
		return err
	}
	if err := s.prepare(a, at); err != nil {
		return err
	}
	res.State = at.State
	res.Aside, err = offsets.Aside(at.State)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no ledger in %s, so there is nothing to rebuild", at.State)
	}
	if err != nil {
		return err
	}
	a.say("the old ledger is %s; the next load makes a new one from the sink and the spool", res.Aside)
	return nil
}
