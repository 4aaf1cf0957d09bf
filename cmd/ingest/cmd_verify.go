package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/service"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/usage"
	"logseal/ingest/verify"
)

// verifyCmd is `ingest verify`.
type verifyCmd struct {
	locationFlags `embed:""`
	trustFlag     `embed:""`
	Deep          bool     `help:"Read every row, not only digests and counts."`
	Source        []string `sep:"none" placeholder:"PATH" help:"Prove it against log files; repeatable."`
	Files         bool     `help:"Print the objects that a reader may count."`
	Clean         bool     `help:"Delete objects that are superseded."`
	Stream        string   `placeholder:"NAME" help:"Look at this stream only."`
	Since         string   `placeholder:"DATE" help:"Leave out what is all from before this day."`
}

// Help is what --help says besides the flags.
func (*verifyCmd) Help() string {
	return help(`
It reads the sink and writes nothing (--clean deletes), and may run beside load. It exits 4 when
something is missing, differs, overlaps, is superseded, or leaves a gap, and else 3 when something
is unfinished or two origins hold the same bytes. A superseded object is a leftover that can never
be committed; --files prints the objects that manifests name, which are exact at any moment.

Examples:
  ingest verify --out lake
  ingest verify -c ingest.yaml --deep --source '/archive/**/*.gz'
  ingest verify --out lake --files`)
}

// verifyResult is the JSON object of `verify`.
type verifyResult struct {
	verify.Report
	Files   *[]string `json:"files,omitempty"`   // with --files: keys
	Cleaned *[]string `json:"cleaned,omitempty"` // with --clean: keys
	Error   string    `json:"error,omitempty"`
	// Problems are places in which --source could not look for files.
	Problems []service.Problem `json:"problems,omitempty"`

	look bool // the command ended as it did although there is no fault
}

// end implements result. OK is about faults: other problems are only in the lists.
func (r *verifyResult) end(message string) {
	if r.OK = message == "" || r.look; !r.OK {
		r.Error = message
	}
}

// Run implements the command.
func (v *verifyCmd) Run(ctx context.Context, a *app) error {
	res := &verifyResult{Report: *verify.NewReport()}
	a.result = res
	c, err := v.config()
	if err != nil {
		return err
	}
	at, err := v.location(c)
	if err != nil {
		return err
	}
	if v.Clean {
		if err := v.prepare(a, at); err != nil {
			return err
		}
	}
	options, err := v.options(ctx, a, at, res)
	if err != nil {
		return err
	}
	options.Retention = c.Retentions()
	report, err := runVerify(ctx, a, *options)
	if err != nil {
		return err
	}
	res.Report = *report
	if v.Stream != "" && report.Sources == 0 && len(report.Findings) == 0 {
		return fmt.Errorf("%s: nothing here of a stream %q", at.Sink, v.Stream)
	}
	if v.Clean {
		res.Cleaned = listOf(report.Cleaned)
	}
	if v.Files {
		if err := res.list(ctx, a, options); err != nil {
			return err
		}
		a.quiet = true // stdout holds keys and nothing else
	}
	res.look = report.OK && len(res.Problems) == 0
	return tellReport(a, report, len(res.Problems))
}

// runVerify verifies and shows how far it is.
func runVerify(ctx context.Context, a *app, o verify.Options) (*verify.Report, error) {
	watch := a.watchVerify()
	defer watch.stop()
	o.Progress = watch.set
	return verify.Run(ctx, o)
}

// list prints the objects that a reader may count: not those that expired. It prints none when a
// manifest cannot be trusted, for the list would lack what that one names; the report has the
// fault.
func (r *verifyResult) list(ctx context.Context, a *app, o *verify.Options) error {
	var keys []string
	err := verify.Files(ctx, *o, func(key string) error {
		if _, gone := slices.BinarySearch(r.Expired, key); !gone {
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil && !r.OK {
		a.warn("no list of objects: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	slices.Sort(keys)
	r.Files = listOf(keys)
	for _, key := range keys {
		a.show("%s", key)
	}
	return nil
}

func listOf(keys []string) *[]string {
	if keys == nil {
		keys = []string{}
	}
	return &keys
}

func (v *verifyCmd) options(
	ctx context.Context, a *app, at *location.Location, res *verifyResult,
) (*verify.Options, error) {
	from := input.NewFS(ctx, a.log, at.Bucket)
	from.FollowAll(at.FollowLinks)
	o := &verify.Options{Stream: v.Stream, Deep: v.Deep, Clean: v.Clean, FS: from,
		Spool: func() ([]spool.Entry, error) { return spool.List(at.Spool()) }}
	if v.Stream != "" {
		if err := source.CheckName(v.Stream); err != nil {
			return nil, usage.Errorf("--stream: %w", err)
		}
	}
	if v.Since != "" {
		since, err := time.Parse(time.DateOnly, v.Since)
		if err != nil {
			return nil, usage.Errorf("--since %q: want a day like 2024-01-15", v.Since)
		}
		o.Since = since
	}
	if len(v.Source) > 0 {
		s := &input.Selection{Patterns: v.Source, Named: true}
		paths, err := s.Find(a.warn, from, at.Owns)
		if err != nil {
			return nil, err
		}
		problems := append(unreadProblems(s.Unread()), linkProblems(from)...)
		for _, path := range paths {
			if p, ok := cannotRead(from, path); ok {
				problems = append(problems, p)
				continue
			}
			o.Sources = append(o.Sources, path)
		}
		for _, p := range problems {
			a.warn("%v", p)
			res.Problems = append(res.Problems, service.Problem(p))
		}
	}
	store, err := at.OpenReader(ctx, a.log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w; name the sink with --out or -c", at.Sink, verify.ErrNoTable)
	}
	o.Store = store
	return o, err
}

// cannotRead is the problem of a file that is no log or cannot be opened: the others are proved.
func cannotRead(from *input.FS, path string) (commit.Problem, bool) {
	f, err := files.Open(from, path)
	var other *files.UnsupportedError
	switch {
	case errors.As(err, &other):
		return commit.Problem{Kind: commit.Unsupported, Path: path, Message: other.Advice()}, true
	case err != nil:
		return commit.Problem{Kind: commit.Unreadable, Path: path, Message: err.Error()}, true
	}
	f.Close()
	return commit.Problem{}, false
}

// findingsMax is how many findings of a kind are printed; --json has all.
const findingsMax = 20

// tellReport says what was found. Faults are warnings; what is no fault is only said. So many places
// could not be looked into for files to prove it against.
func tellReport(a *app, r *verify.Report, unread int) error {
	faults, shown := int64(0), map[verify.Kind]int{}
	for _, f := range r.Findings {
		tell := a.say
		if f.Kind.Fails() {
			faults++
			tell = a.warn
		}
		switch shown[f.Kind]++; {
		case shown[f.Kind] <= findingsMax:
			tell("%s: %s", f.Kind, f.Text)
		case shown[f.Kind] == findingsMax+1:
			tell("%s: and more; --json has all", f.Kind)
		}
	}
	for _, key := range r.Cleaned {
		a.say("deleted %s", filepath.FromSlash(key))
	}
	a.say("%s, %s, %s, %s, %s", count(r.Sources, "source"), count2(int(r.Batches), "batch", "batches"),
		count(r.Objects, "object"), count(r.Rows, "row"), count(r.Rejects, "reject"))
	switch {
	case !r.OK && r.Settled():
		return exitf(exitFaulty, "%s found", count(faults, "fault"))
	case !r.OK:
		return exitf(exitFaulty, "%s found; %s", count(faults, "fault"), unsettled(r))
	case !r.Settled():
		return exitf(exitLook, "%s", unsettled(r))
	case unread > 0:
		return exitf(exitLook, "no fault found, but the files of %s could not be read and were not proved",
			count(int64(unread), "place"))
	}
	a.say("all is well")
	return nil
}

// unsettled says what is open although it is no fault.
func unsettled(r *verify.Report) string {
	var all []string
	if n := len(r.Unfinished); n > 0 {
		all = append(all, fmt.Sprintf("unfinished: %s, %s, rows unknown (load their files again, or wait "+
			"for the writer that is at work)", count(int64(n), "object"), humanize.IBytes(uint64(r.UnfinishedBytes))))
	}
	if n := len(r.Twins); n > 0 {
		all = append(all, fmt.Sprintf("twins: %s of sources that hold the same bytes", count(int64(n), "pair")))
	}
	return strings.Join(all, "; ")
}
