package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/dustin/go-humanize"

	"logseal/ingest/commit"
	"logseal/ingest/config"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/service"
	"logseal/ingest/source"
)

// statusCmd is `ingest status`.
type statusCmd struct {
	locationFlags `embed:""`
	SafeToDelete  string        `placeholder:"FILE" help:"Ask whether FILE may go: exit 0 yes, 1 not yet."`
	Timeout       time.Duration `default:"5s" help:"How long --safe-to-delete waits for each answer of the sink."`
}

// Help is what --help says besides the flags.
func (*statusCmd) Help() string {
	return help(`
Sealed is how far a source is on local disk, shipped how far it is in the sink, lag how much of
its file is not sealed. While a tail runs with this state, it is the tail that answers. --safe-to-delete says yes when every byte that the file has now is in the
sink: it asks the sink, proves the file against it and wants the objects to be there. It speaks of the size that it prints, not of
what is written later.

Examples:
  ingest status --state logseal-out/.state
  ingest status -c ingest.yaml --safe-to-delete /var/log/nginx/access.log.1`)
}

// statusResult is the JSON object of `status`.
type statusResult struct {
	outcome
	service.Status
}

// Run implements the command.
func (s *statusCmd) Run(ctx context.Context, a *app) error {
	res := &statusResult{Status: service.Status{Sources: []service.Source{}}}
	a.result = res
	cfg, err := s.config()
	if err != nil {
		return err
	}
	at, ledger, err := s.openState(cfg)
	if locked, ok := errors.AsType[*offsets.LockedError](err); ok {
		res.Status, err = service.Ask(ctx, locked, service.Question{SafeToDelete: s.SafeToDelete, Timeout: s.Timeout})
		if err != nil && res.Safe == nil {
			return err
		}
		return res.tell(a)
	}
	if err != nil {
		return err
	}
	defer ledger.Close()
	res.Status = service.NewStatus(at)
	if s.SafeToDelete != "" && s.Timeout <= 0 {
		return service.ErrTimeout
	}
	if s.SafeToDelete != "" {
		return s.safe(ctx, a, at, cfg, ledger, res)
	}
	if err := res.Fill(at, ledger); err != nil {
		return err
	}
	return res.tell(a)
}

// openState opens the ledger for reading and finds the sink that it belongs to, when neither flag
// nor config names one.
func (f *locationFlags) openState(c *config.Config) (*location.Location, *offsets.Ledger, error) {
	at, err := f.location(c)
	if err != nil {
		return nil, nil, err
	}
	ledger, err := offsets.OpenReadOnly(at.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("no ledger in %s: nothing was loaded with this state "+
			"(--state, --out or -c name another)", at.State)
	}
	if err != nil {
		return nil, nil, err
	}
	if f.Out != "" || c.Sink != "" {
		return at, ledger, nil
	}
	if at.SinkURL, err = location.ParseSinkURL(location.SinkOf(ledger.Meta(), at.State)); err != nil {
		return nil, nil, errors.Join(err, ledger.Close())
	}
	return at, ledger, nil
}

// tell says the answer about a file, or how far all is.
func (r *statusResult) tell(a *app) error {
	if r.Safe != nil {
		return tellSafe(a, r.Safe)
	}
	r.tellSources(a)
	return nil
}

func (r *statusResult) tellSources(a *app) {
	a.say("sink   %s\nstate  %s\nspool  %s, %s", r.Sink, r.State,
		count2(r.Spool.Batches, "batch", "batches"), humanize.IBytes(uint64(r.Spool.Bytes)))
	if r.Tail != nil {
		tellTail(a, r.Tail)
	}
	if len(r.Sources) == 0 {
		a.say("no sources")
		return
	}
	a.say("\n%14s %14s %14s  %s", "sealed", "shipped", "lag", "source")
	for _, s := range r.Sources {
		lag := "?"
		if s.Lag != nil {
			lag = humanize.Comma(*s.Lag)
		}
		sid := "-" // it is not told yet which source it is
		if s.SID != (source.ID{}) {
			sid = s.SID.String()
		}
		a.say("%14s %14s %14s  %s/v%d %s %s", humanize.Comma(s.Sealed), humanize.Comma(s.Shipped),
			lag, s.Stream, s.Version, sid, s.Path)
	}
}

func count2(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(int64(n)) + " " + many
}

func tellTail(a *app, t *service.TailStatus) {
	is := "starting"
	if t.Ready {
		is = "following"
	}
	whose := config.OriginNone
	if t.Origin != nil {
		whose = *t.Origin
	}
	a.say("tail   process %d, origin %s, %s, %s, %s in memory", t.PID, whose, is,
		count(int64(t.OpenFiles), "open file"), humanize.IBytes(uint64(max(0, t.HeldBytes))))
	if t.OldestUnshipped != nil {
		a.say("oldest unshipped: %s", t.OldestUnshipped.Format(time.RFC3339))
	}
	for _, s := range t.Streams {
		a.say("stream %s since the start: %s, %s%s", s.Stream, count(s.Rows, "row"),
			count(s.Rejects, "reject"), reasonCounts(s.Reasons).inParentheses())
	}
	if t.Paused != "" {
		a.say("reading is paused: %s", t.Paused)
	}
	if t.ConfigRefused {
		a.say("the last reload of the config was refused: see the log")
	}
	for _, p := range t.Problems {
		a.say("problem: %v", commit.Problem{Kind: p.Kind, Path: p.Path, Message: p.Message})
	}
}
