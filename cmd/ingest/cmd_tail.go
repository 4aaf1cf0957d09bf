package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/parse"
	"logseal/ingest/service"
	"logseal/ingest/tail"
	"logseal/ingest/usage"
)

// tailCmd is `ingest tail`.
type tailCmd struct {
	locationFlags `embed:""`
	trustFlag     `embed:""`
	Metrics       string `placeholder:"ADDR" help:"Serve /metrics, /healthz and /readyz at ADDR."`
}

// Help is what --help says besides the flags.
func (*tailCmd) Help() string {
	return help(`
Follows the files of the config through rotation, truncation and removal, until it is told to end.
It may be killed at any time; the next run continues where this one was.

The config's origin says who produced the logs; without it the ledger keeps this host's name. If the
table has sources without an origin, as a load makes them, a tail needs the setting: origin: none
continues those sources, a name begins its own.

SIGTERM or SIGINT seals what is complete, ships for shutdown.grace and exits 0; a second one ends it
at once. SIGHUP reads the config again. The log is JSON lines on stderr; ingest status shows how far
the tail is.

Examples:
  ingest tail -c ingest.yaml
  ingest tail -c /etc/logseal/ingest.yaml --state /var/lib/logseal --metrics 127.0.0.1:9109`)
}

// tailMemory is how much memory the runtime tries to do with. It is a soft limit: a load that needs
// more gets it, and collects garbage more often.
const tailMemory = 200 << 20

// tailGarbage is how much garbage, in percent of what is in use, is let pile up: a sidecar is to be
// small, and makes little.
const tailGarbage = 50

// tailResult is the JSON object of `tail`: what this run did.
type tailResult struct {
	outcome
	ReadBytes      int64             `json:"read_bytes"` // decompressed, as all bytes here
	SealedBytes    int64             `json:"sealed_bytes"`
	ShippedBytes   int64             `json:"shipped_bytes"`
	Batches        int64             `json:"batches"` // sealed
	Records        int64             `json:"records"`
	Rows           int64             `json:"rows"`
	Rejects        int64             `json:"rejects"`
	Skipped        int64             `json:"skipped"` // lines
	LostBytes      map[string]int64  `json:"lost_bytes"`
	Reasons        reasonCounts      `json:"reasons"` // of the rejects
	PausedSeconds  float64           `json:"paused_seconds"`
	Retries        int64             `json:"retries"`
	SpoolBytes     int64             `json:"spool_bytes"` // left for the next run
	ElapsedSeconds float64           `json:"elapsed_seconds"`
	Problems       []service.Problem `json:"problems,omitempty"`
}

// Run implements the command.
func (c *tailCmd) Run(ctx context.Context, a *app) error {
	// A SIGHUP that comes early must not end the process.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(tailMemory)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(tailGarbage)
	}
	res := &tailResult{LostBytes: map[string]int64{}, Reasons: reasonCounts{}}
	a.result = res
	start := time.Now()
	defer func() { res.ElapsedSeconds = time.Since(start).Seconds() }()

	plan, err := c.plan()
	if err != nil {
		return err
	}
	a.logJSON()
	if err := c.prepare(a, plan.Location); err != nil {
		return err
	}
	plan.Location.WarnPlain(a.log)
	notify, err := service.NewNotifier(os.Getenv)
	if err != nil {
		return err
	}
	defer notify.Close()
	s := &service.Service{Log: a.log, Build: service.ThisBuild(), Notify: notify, Plan: c.plan, Listen: c.Metrics}
	err = s.Run(ctx, plan, hangups)
	status := s.Status()
	res.fill(&status, s.Retries())
	switch {
	case errors.Is(err, commit.ErrMeaning), errors.As(err, new(*tail.UnsaidError)):
		return usage.Errorf("%w", err)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil // it was told to end before it began
	}
	return err
}

// plan reads the config and checks all of it.
func (c *tailCmd) plan() (*service.Plan, error) {
	if c.Config == "" {
		return nil, usage.Errorf("no config: tail follows what the config says; give one with -c")
	}
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	at, err := c.location(cfg)
	if err != nil {
		return nil, err
	}
	return service.NewPlan(cfg, at)
}

// logJSON makes each line of the log, and a message at the end, a JSON object.
func (a *app) logJSON() {
	level := slog.LevelInfo
	if a.quiet {
		level = slog.LevelWarn
	}
	a.log = slog.New(slog.NewJSONHandler(a.stderr, &slog.HandlerOptions{
		Level: level, ReplaceAttr: readable,
	}))
	a.jsonLog = true
}

// readable makes durations what a person writes: JSON would have nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// fill sums up what a tail did.
func (r *tailResult) fill(s *tail.Status, retries int64) {
	for _, x := range s.Streams {
		r.ReadBytes += x.ReadBytes
		r.SealedBytes += x.SealedBytes
		r.ShippedBytes += x.ShippedBytes
		r.Batches += x.Batches
		r.Records += x.Records
		r.Rows += x.Rows
		r.Skipped += x.Skipped
		r.Rejects += sum(x.Rejects)
		r.Reasons.add(x.Rejects)
		for reason, n := range x.LostBytes {
			r.LostBytes[string(reason)] += n
		}
	}
	r.PausedSeconds, r.SpoolBytes, r.Retries = s.PausedSeconds, s.SpoolBytes, retries
	r.Problems = service.Problems(s.Problems)
}

func sum(counts map[parse.Reason]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}
