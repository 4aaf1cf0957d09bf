package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"logseal/ingest/commit"
	"logseal/ingest/config"
	"logseal/ingest/input"
	"logseal/ingest/load"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/service"
	"logseal/ingest/sink/retry"
	"logseal/ingest/spool"
	"logseal/ingest/usage"
)

// loadCmd is `ingest load`.
type loadCmd struct {
	locationFlags `embed:""`
	streamFlags   `embed:""`
	trustFlag     `embed:""`
	OnExceed      onExceed      `placeholder:"quarantine|halt" help:"On too many rejects (default halt)."`
	Assume        assume        `placeholder:"copy|new|whole" help:"What an undecided file is; or that a compressed file ends where something else follows."`
	Origin        config.Origin `placeholder:"NAME" help:"Who produced the logs, or none (default the config's, else none)."`
	Shard         shard         `placeholder:"I/N" help:"Load part I (from 0) of N; others load the rest."`
	Rehash        bool          `help:"Prove unchanged files again, too."`
	Paths         []string      `arg:"" optional:"" name:"path" help:"Files and patterns; ** is any folders."`
}

// Help is what --help says besides the flags.
func (*loadCmd) Help() string {
	return help(`
Files may be plain, .gz, .bz2 or .zst, or members of .zip and .tar, on disk or in a bucket
(s3://bucket/key; no archives there). Interrupt it or kill it at any time and run it again: it
continues where it was, and the outcome is the same. A second run of a finished load does nothing.

A file is undecided when it agrees with a source as far as it goes, but ends before what is
committed of that: a copy still being written, or an older state. It is left unread and named, and
load exits 3, unless --assume says what it is. --assume whole takes a compressed file for whole that has
something else after its end.

A file's origin is what the origin_path of its stream finds in its path, else --origin, else origin in
the config, else none. The same bytes are the same source only under the same origin: to load what a
tail follows, or will, give the origin that the tail has. Where a source of another origin has a file's
bytes the file is left alone and named, and load exits 3, unless it is told --assume new.

Examples:
  ingest load --format combined access.log
  ingest load --format combined --out lake 'archive/**/*.gz'
  ingest load --format combined --out s3://lake/logs 's3://archive/2024/**/*.gz'
  ingest load -c ingest.yaml
  ingest load -c ingest.yaml --stream nginx /var/log/nginx/access.log.1
  ingest load -c ingest.yaml --origin web-1 '/backup/web-1/**/*.gz'`)
}

// onExceed is the value of --on-exceed.
type onExceed string

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *onExceed) UnmarshalText(b []byte) error {
	s, err := config.ParseOnExceed(string(b))
	*o = onExceed(s)
	return err
}

// assume is the value of --assume: a commit.Assume, or assumeWhole.
type assume commit.Assume

const assumeWhole = assume(255)

// UnmarshalText implements encoding.TextUnmarshaler.
func (x *assume) UnmarshalText(b []byte) error {
	switch string(b) {
	case "copy":
		*x = assume(commit.AssumeCopy)
	case "new":
		*x = assume(commit.AssumeNew)
	case "whole":
		*x = assumeWhole
	default:
		return fmt.Errorf("%q: want copy, new or whole", b)
	}
	return nil
}

// shard is the value of --shard.
type shard commit.Shard

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *shard) UnmarshalText(b []byte) error {
	index, count, ok := strings.Cut(string(b), "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if !ok || err != nil || err2 != nil || i < 0 || i >= n {
		return fmt.Errorf("%q: want I/N, with I from 0 to N-1", b)
	}
	*s = shard{Index: i, Count: n}
	return nil
}

// loadResult is the JSON object of `load`. Sources, Duplicates and Undecided are files seen; all
// else is what this run sealed.
type loadResult struct {
	outcome
	Sources        int64             `json:"sources"`
	Bytes          int64             `json:"bytes"` // decompressed
	Records        int64             `json:"records"`
	Rows           int64             `json:"rows"`
	Rejects        int64             `json:"rejects"`
	Skipped        int64             `json:"skipped"` // lines
	SkippedBytes   int64             `json:"skipped_bytes"`
	Objects        int64             `json:"objects"`
	Duplicates     int64             `json:"duplicates"`
	Undecided      int64             `json:"undecided"`
	Reasons        reasonCounts      `json:"reasons"` // of the rejects
	ElapsedSeconds float64           `json:"elapsed_seconds"`
	Retries        int64             `json:"retries,omitempty"` // of requests to a bucket
	Problems       []service.Problem `json:"problems,omitempty"`
}

// Run implements the command.
func (l *loadCmd) Run(ctx context.Context, a *app) error {
	res := &loadResult{Reasons: reasonCounts{}}
	a.result = res
	start := time.Now()
	defer func() { res.ElapsedSeconds = time.Since(start).Seconds() }()

	c, err := l.config()
	if err != nil {
		return err
	}
	c.Origin = l.Origin.Or(c.Origin)
	chosen, err := l.choose(c, l.Paths)
	if err != nil {
		return err
	}
	at, err := l.location(c)
	if err != nil {
		return err
	}
	if err := l.prepare(a, at); err != nil {
		return err
	}
	at.WarnPlain(a.log)
	cfg, err := l.runConfig(ctx, a, at, c, chosen)
	if err != nil {
		return err
	}
	cfg.Streams = c.Origin.Of(cfg.Streams)
	report, err := runLoad(ctx, a, at, c, cfg)
	res.Retries = retriesOf(cfg)
	if report != nil {
		for i := range chosen {
			report.Problems = append(report.Problems, unreadProblems(chosen[i].files.Unread())...)
		}
		if from, ok := cfg.FS.(*input.FS); ok {
			report.Problems = append(report.Problems, linkProblems(from)...)
		}
		res.fill(report)
	}
	if errors.Is(err, commit.ErrMeaning) {
		return usage.Errorf("%w", err)
	}
	if err != nil {
		return err
	}
	return l.tell(a, at, report)
}

// retriesOf is how often calls to buckets were repeated.
func retriesOf(cfg *commit.Config) (n int64) {
	if sink, ok := cfg.Store.(*retry.Store); ok {
		n += sink.Retries()
	}
	if from, ok := cfg.FS.(*input.FS); ok {
		n += from.Repeated()
	}
	return n
}

// runConfig checks the streams and finds their files; nothing is opened or made.
func (l *loadCmd) runConfig(
	ctx context.Context, a *app, at *location.Location, c *config.Config, chosen []selection,
) (*commit.Config, error) {
	from := input.NewFS(ctx, a.log, at.Bucket)
	from.FollowAll(c.FollowLinks)
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("ask for the host's name: %w", err)
	}
	cfg := &commit.Config{FS: from, Rehash: l.Rehash, Log: a.log, Host: host,
		Program: service.ThisBuild().Version,
		Shard:   commit.Shard(l.Shard)}
	if cfg.Whole = l.Assume == assumeWhole; !cfg.Whole {
		cfg.Assume = commit.Assume(l.Assume)
	}
	for i := range chosen {
		s := &chosen[i]
		stream, err := s.LoadStream(string(l.OnExceed))
		if err != nil {
			return nil, usage.Errorf("stream %s: %w", s.Name, err)
		}
		paths, err := s.files.Find(a.warn, from, at.Owns)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			cfg.Inputs = append(cfg.Inputs, commit.Input{Stream: i, Path: path})
		}
		cfg.Streams = append(cfg.Streams, *stream)
	}
	return cfg, nil
}

// runLoad opens ledger, sink and spool, in this order: the ledger's lock keeps other processes from
// the rest, and its writer id names our folder in the sink.
func runLoad(
	ctx context.Context, a *app, at *location.Location, c *config.Config, cfg *commit.Config,
) (report *commit.Report, err error) {
	ledger, err := offsets.Open(at.State, offsets.Meta{Sink: at.SinkName()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if err := c.Origin.Note(ledger); err != nil {
		return nil, err
	}
	store, err := at.OpenWriter(ctx, a.log, ledger.Meta().WriterID)
	if err != nil {
		return nil, err
	}
	sp, err := spool.Open(at.Spool(), c.SpoolMaxBytes)
	if err != nil {
		return nil, err
	}
	cfg.Store, cfg.Ledger, cfg.Spool = store, ledger, commit.DiskSpool{Spool: sp}
	watch := a.watch(cfg)
	cfg.Progress = watch.add
	defer watch.stop()
	return load.Load(ctx, *cfg)
}

func (r *loadResult) fill(p *commit.Report) {
	r.Sources, r.Duplicates, r.Undecided = p.Sources, p.Duplicates, p.Undecided
	r.Bytes, r.Records, r.Rows, r.Rejects = p.Bytes, p.Records, p.Rows, p.Rejects
	r.Skipped, r.SkippedBytes, r.Objects = p.Skipped, p.SkippedBytes, p.Objects
	r.Reasons.add(p.Reasons)
	for _, x := range p.Problems {
		r.Problems = append(r.Problems, service.Problem(x))
	}
}

// A load of so many objects with so few records each is slow to read: something is odd about it.
const (
	manyObjects = 1000
	smallObject = 100
)

// tell reports what was done, and the problems.
func (l *loadCmd) tell(a *app, at *location.Location, r *commit.Report) error {
	a.say("%s", summary(at, r))
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		if n := r.Reasons[reason]; n > 0 {
			a.say("  %s %s", humanize.Comma(n), reason)
		}
	}
	if r.Objects >= manyObjects && r.Records < smallObject*r.Objects {
		a.warn("%s hold %s each on average: the event times are spread over many partitions; if they are "+
			"right, partition by day or let batches be larger, else `time_window` makes them rejects",
			count(r.Objects, "object"), count(r.Records/r.Objects, "record"))
	}
	switch n := len(r.Problems); n {
	case 0:
		return nil
	case 1:
		return exitf(exitLook, "finished with 1 problem: %v", r.Problems[0])
	default:
		for _, p := range r.Problems {
			a.warn("%v", p)
		}
		return exitf(exitLook, "finished with %d problems", n)
	}
}

func summary(at *location.Location, r *commit.Report) string {
	var b strings.Builder
	if r.Bytes == 0 {
		fmt.Fprintf(&b, "nothing new in %s", count(r.Sources, "file"))
	} else {
		fmt.Fprintf(&b, "sealed %s: %s, %s, %s skipped, from %s", humanize.IBytes(uint64(r.Bytes)),
			count(r.Rows, "row"), count(r.Rejects, "reject"), count(r.Skipped, "line"),
			count(r.Sources, "file"))
	}
	if r.Duplicates > 0 {
		fmt.Fprintf(&b, " (%s)", count(r.Duplicates, "duplicate"))
	}
	fmt.Fprintf(&b, "; sink %s", at.Sink)
	return b.String()
}

func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return humanize.Comma(n) + " " + noun
}
