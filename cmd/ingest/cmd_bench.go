package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"logseal/bench"
	"logseal/ingest/input"
	"logseal/ingest/usage"
)

// benchCmd is `ingest bench`.
type benchCmd struct {
	Config      string `short:"c" placeholder:"FILE" help:"Config file."`
	streamFlags `embed:""`
	Repeat      int      `default:"3" placeholder:"N" help:"How often all is measured; medians are shown (default 3)."`
	Paths       []string `arg:"" name:"file" help:"Files and patterns to measure; nothing is written."`
}

// Help is what --help says besides the flags.
func (*benchCmd) Help() string {
	return `It measures the stages one by one, on one core and on bytes in memory, and then all of them as load
runs them: from the files to finished objects, which are dropped. Putting these on disk or into a
bucket is not measured. Rates are of log bytes, decompressed, in millions a second; CPU is time of the
processor, which other programs disturb less. Let the machine be quiet. One file keeps one core busy.

Examples:
  ingest bench --format combined access.log
  ingest bench --format app --repeat 5 --json 'archive/**/*.gz'
  ingest bench -c ingest.yaml --stream nginx access.log
  ingest bench --regex '^(?P<level>\w+): (?P<message>.*)$' app.log`
}

// benchResult is the JSON object of `bench`.
type benchResult struct {
	outcome
	*bench.Report
}

// Run implements the command.
func (b *benchCmd) Run(ctx context.Context, a *app) error {
	res := &benchResult{}
	a.result = res
	options, err := b.options(ctx, a)
	if err != nil {
		return err
	}
	report, err := bench.Run(ctx, *options)
	if err != nil {
		return err
	}
	res.Report = report
	a.show("%s", benchText(report))
	return nil
}

// options checks the flags and finds the files.
func (b *benchCmd) options(ctx context.Context, a *app) (*bench.Options, error) {
	if b.Repeat < 1 {
		return nil, usage.Errorf("--repeat %d: want at least 1", b.Repeat)
	}
	flags := locationFlags{Config: b.Config}
	cfg, err := flags.config()
	if err != nil {
		return nil, err
	}
	chosen, err := b.choose(cfg, b.Paths)
	if err != nil {
		return nil, err
	}
	stream, err := chosen[0].LoadStream("")
	if err != nil {
		return nil, usage.Errorf("%w", err)
	}
	fsys := input.NewFS(ctx, a.log, nil)
	fsys.FollowAll(cfg.FollowLinks)
	paths, err := chosen[0].files.Find(a.warn, fsys, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	for _, p := range append(unreadProblems(chosen[0].files.Unread()), linkProblems(fsys)...) {
		a.warn("%v", p)
	}
	return &bench.Options{FS: fsys, Paths: paths, Epoch: stream.Epoch, Parser: stream.Parser,
		MaxBytes: stream.MaxBytes, MaxPartitions: stream.MaxPartitions, Repeats: b.Repeat,
		Progress: benchProgress(a)}, nil
}

// benchProgress logs now and then how far a run is.
func benchProgress(a *app) func(done, of int) {
	last := time.Now()
	return func(done, of int) {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			a.log.Info("bench", "done", fmt.Sprintf("%d of %d", done, of))
		}
	}
}

// benchText is the report for a person.
func benchText(r *bench.Report) string {
	var b strings.Builder
	stored := ""
	if r.StoredBytes != r.Bytes {
		stored = fmt.Sprintf(" (%s stored)", humanize.IBytes(uint64(r.StoredBytes)))
	}
	fmt.Fprintf(&b, "%s in %s%s: %s, %s, %s skipped\n", humanize.IBytes(uint64(r.Bytes)),
		count(r.Files, "file"), stored, count(r.Rows, "row"), count(r.Rejects, "reject"),
		count(r.Skipped, "line"))
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		fmt.Fprintf(&b, "  %s %s\n", humanize.Comma(r.Reasons[reason]), reason)
	}
	fmt.Fprintf(&b, "%s, %s out; medians of %s\n\n", count(r.Objects, "object"),
		humanize.IBytes(uint64(r.BytesOut)), count(int64(r.Repeats), "repeat"))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "stage\tMB/s\tns/record\tCPU ns/record\trecords/s\tallocs/record\tout\tspread\t")
	for _, s := range r.Stages {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.2f\t%s\t±%.0f%%\t\n", stageName(s), whole(s.MBPerSecond),
			whole(s.NSPerRecord), whole(s.CPUNSPerRecord), whole(s.RecordsPerSecond),
			s.AllocsPerRecord, stageOut(s), 50*s.Spread)
	}
	w.Flush() // to a strings.Builder, which cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}

// stageName says the stage, and for the whole path on how many cores.
func stageName(s bench.Stage) string {
	name := strings.ReplaceAll(s.Name, "_", " + ")
	if s.Name != bench.All {
		return name
	}
	return fmt.Sprintf("%s, %s", name, count(int64(s.Cores), "core"))
}

func stageOut(s bench.Stage) string {
	if s.BytesOut == nil {
		return ""
	}
	return humanize.IBytes(uint64(*s.BytesOut))
}

// whole is a number without its fraction, unless it is small.
func whole(x float64) string {
	if x < 10 {
		return fmt.Sprintf("%.1f", x)
	}
	return humanize.Comma(int64(math.Round(x)))
}
