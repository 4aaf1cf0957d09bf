package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"logseal/ingest/batch"
	"logseal/ingest/files"
	"logseal/ingest/input"
	"logseal/ingest/location"
	"logseal/ingest/parse"
	"logseal/ingest/service"
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
	Streams      []string               `json:"streams"`
	Files        int64                  `json:"files"`
	Bytes        int64                  `json:"bytes"` // decompressed
	Records      int64                  `json:"records"`
	Rows         int64                  `json:"rows"`
	Rejects      int64                  `json:"rejects"`
	Skipped      int64                  `json:"skipped"` // lines
	SkippedBytes int64                  `json:"skipped_bytes"`
	MatchRate    *float64               `json:"match_rate"` // rows to records; null without records
	Reasons      map[parse.Reason]int64 `json:"reasons"`
	FirstRejects []rejectJSON           `json:"first_rejects"` // of each reason and field
	FirstRows    []rowJSON              `json:"first_rows"`
	Found        int64                  `json:"found"`          // files of the config's paths
	Sink         string                 `json:"sink,omitempty"` // what is there
	Problems     []service.Problem      `json:"problems,omitempty"`
	ofEach       map[rejectKind]int64
}

// rejectJSON is a reject as check shows it.
type rejectJSON struct {
	Path   string       `json:"path"`
	Line   int64        `json:"line"`   // from 1 on
	Offset int64        `json:"offset"` // of the line in the decompressed file
	At     int          `json:"at"`     // the byte of the line where it fails
	Reason parse.Reason `json:"reason"`
	Field  string       `json:"field,omitempty"`
	Detail string       `json:"detail,omitempty"`
	Text   string       `json:"text"` // the line around the failing byte, made printable
	caret  int
}

// Run implements the command.
func (c *checkCmd) Run(ctx context.Context, a *app) error {
	res := &checkResult{Streams: []string{}, Reasons: map[parse.Reason]int64{},
		FirstRejects: []rejectJSON{}, FirstRows: []rowJSON{}, ofEach: map[rejectKind]int64{}}
	a.result = res
	flags := siteFlags{Config: c.Config}
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
		found, err := flags.site(cfg)
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
	var faults []error
	for _, u := range append(unreadProblems(s.files.Unread()), linkProblems(from)...) {
		res.problem(a, u)
		faults = append(faults, errors.New(u.String()))
	}
	for _, path := range paths {
		t := &trial{parser: p, partition: s.Partition, columns: s.Parser.Columns, fsys: from, path: path,
			res: res, line: 1}
		err := t.file(ctx, int(s.MaxRecordBytes))
		if errors.As(err, new(*files.CorruptError)) || errors.As(err, new(*files.UnsupportedError)) {
			a.warn("%v", err)
			faults = append(faults, err)
			err = nil
		}
		if err != nil {
			return err
		}
		res.Files++
	}
	return res.tell(a, s, faults)
}

// tell shows the outcome and judges it by the stream's reject limit.
func (r *checkResult) tell(a *app, s *selection, faults []error) error {
	rate := 1.0
	if r.Records > 0 {
		rate = float64(r.Rows) / float64(r.Records)
		r.MatchRate = &rate
	}
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
		a.say("\n%s:%d:%d: %s", printable([]byte(x.Path)), x.Line, x.At+1, x.why())
		a.say("  %s\n  %*s", x.Text, x.caret+1, "^")
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

func (x *rejectJSON) why() string {
	s := string(x.Reason)
	if x.Field != "" {
		s += " in " + x.Field
	}
	if x.Detail != "" {
		s += ": " + x.Detail
	}
	return s
}

// rejectKind is what rejects have in common that are most likely of one cause.
type rejectKind struct {
	reason parse.Reason
	field  string
}

const (
	// rejectsOfEach is how many rejects of a kind check shows: enough to see a pattern in them.
	rejectsOfEach = 3
	// firstRejectsMax bounds them all: keys that no column reads are kinds of their own.
	firstRejectsMax = 60
)

// trial parses one file.
type trial struct {
	parser    *parse.Parser
	partition batch.Granularity
	columns   []parse.Column
	fsys      files.FS
	path      string
	res       *checkResult
	line      int64 // number of the line at the next chunk's start
	table     parse.Table
}

func (t *trial) file(ctx context.Context, maxRecord int) error {
	f, err := files.Open(t.fsys, t.path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := newReader(ctx, f, maxRecord, t.parser.Parts())
	if err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		t.chunk(c)
	}
}
