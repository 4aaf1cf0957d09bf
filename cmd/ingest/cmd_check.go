package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"logseal/ingest/dryrun"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/parse"
	"logseal/ingest/service"
	"logseal/ingest/terminal"
	"logseal/ingest/usage"
)

// checkCmd is `ingest check`.
type checkCmd struct {
	Config      string `short:"c" placeholder:"FILE" help:"Config file."`
	streamFlags `embed:""`
	Offline     bool     `help:"Look at neither the paths nor the sink of the config."`
	Paths       []string `arg:"" optional:"" name:"file" help:"Files and patterns to try it on."`
}

// Help is what --help says besides the flags.
func (*checkCmd) Help() string {
	return help(`
Without a FILE it checks the config, and looks whether its paths can be read and its sink answers;
what is wrong there makes it exit 3, and --offline leaves it out. With a FILE it parses that as load
would, writes nothing, and shows how many lines match, the first rows column by column, and the first
rejects of each reason and field, with a caret at the byte where it ends. It exits 3 when there are
more rejects than the stream's max_ratio, however few lines there are.

Examples:
  ingest check -c ingest.yaml
  ingest check -c ingest.yaml --offline
  ingest check --format combined access.log
  ingest check --regex '^(?P<level>\w+): (?P<message>.*)$' app.log`)
}

// checkResult is the JSON object of `check`.
type checkResult struct {
	outcome
	Streams []string `json:"streams"`
	dryrun.Result
	Found    int64             `json:"found"`          // files of the config's paths
	Sink     string            `json:"sink,omitempty"` // what is there
	Problems []service.Problem `json:"problems,omitempty"`
}

// Run implements the command.
func (c *checkCmd) Run(ctx context.Context, a *app) error {
	res := &checkResult{Streams: []string{}, Result: dryrun.NewResult()}
	a.result = res
	flags := locationFlags{Config: c.Config}
	cfg, err := flags.config()
	if err != nil {
		return err
	}
	chosen, err := c.choose(cfg, c.Paths)
	if err != nil {
		return err
	}
	for _, s := range chosen {
		if err := s.Epoch().Validate(); err != nil {
			return usage.Errorf("stream %s: %w", s.Name, err)
		}
		res.Streams = append(res.Streams, s.Name)
	}
	var at location.Location
	if c.Config != "" {
		found, err := flags.location(cfg)
		if err != nil {
			return err
		}
		at = *found
	}
	if len(c.Paths) == 0 {
		for _, s := range chosen {
			a.say("stream %s: ok, %s", s.Name, count(int64(len(s.Parser.Columns)), "column"))
		}
		if c.Offline || c.Config == "" {
			return nil
		}
		return c.lookAround(ctx, a, &at, chosen, res)
	}
	from := input.NewFS(ctx, a.log, at.Bucket)
	from.FollowAll(cfg.FollowLinks)
	return c.tryFiles(ctx, a, &chosen[0], from, res)
}

func (c *checkCmd) tryFiles(
	ctx context.Context, a *app, s *selection, from *input.FS, res *checkResult,
) error {
	paths, err := s.files.Find(a.warn, from, func(string) bool { return false })
	if err != nil {
		return err
	}
	p, err := parse.New(s.Parser)
	if err != nil {
		return usage.Errorf("stream %s: %w", s.Name, err)
	}
	dry := &dryrun.Run{FS: from, Parser: p, Partition: s.Partition, Columns: s.Parser.Columns,
		MaxRecord: int(s.MaxRecordBytes)}
	var faults []error
	for _, u := range append(unreadProblems(s.files.Unread()), linkProblems(from)...) {
		res.problem(a, u)
		faults = append(faults, errors.New(u.String()))
	}
	for _, path := range paths {
		err := dry.File(ctx, path, &res.Result)
		if errors.As(err, new(*files.CorruptError)) || errors.As(err, new(*files.UnsupportedError)) {
			a.warn("%v", err)
			faults = append(faults, err)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return res.tell(a, s, faults)
}

// tell shows the outcome and judges it by the stream's reject limit.
func (r *checkResult) tell(a *app, s *selection, faults []error) error {
	rate := r.Rate()
	a.say("%s, %s: %s, %s (%.2f %% match), %s skipped", count(r.Files, "file"),
		count(r.Records, "record"), count(r.Rows, "row"), count(r.Rejects, "reject"), 100*rate,
		count(r.Skipped, "line"))
	for _, reason := range slices.SortedFunc(maps.Keys(r.Reasons), func(x, y parse.Reason) int {
		return slices.Index(parse.Reasons(), x) - slices.Index(parse.Reasons(), y)
	}) {
		a.say("  %d %s", r.Reasons[reason], reason)
	}
	r.tellRows(a)
	for _, x := range r.FirstRejects {
		a.say("\n%s:%d:%d: %s", terminal.Printable([]byte(x.Path)), x.Line, x.At+1, x.Why())
		a.say("  %s\n  %*s", x.Text, x.Caret+1, "^")
	}
	switch {
	case float64(r.Rejects) > s.Rejects.MaxRatio*float64(r.Records):
		return exitf(exitLook, "%s of %s: more than the stream's max_ratio of %g",
			count(r.Rejects, "reject"), count(r.Records, "record"), s.Rejects.MaxRatio)
	case len(faults) > 0:
		return exitf(exitLook, "%w", faults[0])
	}
	return nil
}

// tellRows shows the first rows, column by column.
func (r *checkResult) tellRows(a *app) {
	for _, row := range r.FirstRows {
		a.say("\n%s:%d: row", terminal.Printable([]byte(row.Path)), row.Line)
		names, types := 0, 0
		for _, c := range row.Columns {
			names, types = max(names, len(c.Name)), max(types, len(c.Type))
		}
		for _, c := range row.Columns {
			value := "(none)"
			if c.Value != nil {
				value = *c.Value
			}
			a.say("  %-*s  %-*s  %s", names, c.Name, types, c.Type, value)
		}
	}
}
