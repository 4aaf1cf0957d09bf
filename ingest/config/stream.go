package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"logseal/ingest/batch"
	"logseal/ingest/input"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Stream is one entry of `streams`.
type Stream struct {
	Name    string   // unique; letters, digits, '.', '_' and '-'
	Version int      // of the stream's meaning; default 1
	Paths   []string // patterns of files; needed when no PATH is given
	// Exclude are patterns of files that Paths match and that are left out all the same. One without
	// a slash is of a file's name alone.
	Exclude []string
	// StartAtEnd (start_at: end) says that what the files hold that are there when `tail` first
	// starts is not wanted; only what is written later. Default start_at: beginning.
	StartAtEnd bool
	// Parser is what format, regex, schema, unknown_keys, inside, rename and time_window make up. A
	// regex without a schema gives strings; of cri and docker_json without inside, what is inside is
	// one. Default unknown_keys keep, time_window 1990-01-01 to 2100-01-01.
	Parser parse.Definition
	// OriginPath finds the origin in a file's absolute path: its first group, or the whole match.
	// Default nil, none.
	OriginPath     *regexp.Regexp
	Partition      batch.Granularity // day or hour; default day
	Batch          Batch
	MaxRecordBytes int64 // longest line that is one record; default 1MiB
	Rejects        Rejects
	// Retention is after how long someone deletes the stream's objects, a lifecycle rule say:
	// verify calls those expired. Nothing here deletes. Default 0, never.
	Retention time.Duration
}

// Batch is `batch`: where a load or a tail cuts ranges.
type Batch struct {
	MaxBytes      int64         // default 256MiB for load, 64MiB for tail
	MaxAge        time.Duration // only tail looks at it; default 5m
	MaxPartitions int           // default 64
}

// Rejects is `rejects`: how many rejects a batch may have.
type Rejects struct {
	MaxRatio   float64 // of rejects to records; default 0.10
	MinRecords int64   // a batch with fewer records is not judged; default 1000
	OnExceed   string  // quarantine or halt; default halt for load, quarantine for tail
}

// TailBatchBytes is the default of batch.max_bytes for `tail`.
const TailBatchBytes = 64 << 20

const (
	loadBatchBytes       = 256 << 20
	tailMaxAge           = 5 * time.Minute
	defaultMaxPartitions = 64

	// maxRecordBytesMax keeps the few records in hand at once within a few hundred MiB.
	maxRecordBytesMax = 64 << 20
	// maxPartitionsMax bounds the files that a batch may have open.
	maxPartitionsMax = 4096

	onExceedHalt       = "halt"
	onExceedQuarantine = "quarantine"
)

// DefaultStream is a stream that has a name and defaults for all else.
func DefaultStream(name string) Stream {
	return Stream{
		Name:           name,
		Version:        1,
		Batch:          Batch{MaxPartitions: defaultMaxPartitions},
		MaxRecordBytes: table.DefaultMaxRecordBytes,
		Rejects:        Rejects{MaxRatio: 0.10, MinRecords: 1000},
	}
}

// Files selects the files that the config names for the stream.
func (s *Stream) Files() *input.Selection {
	return &input.Selection{Name: s.Name, Patterns: s.Paths, Exclude: s.Exclude}
}

// Epoch is the stream's canonical definition.
func (s *Stream) Epoch() *table.Epoch {
	e := table.NewEpoch(source.Table{Stream: s.Name, Version: s.Version}, s.Parser)
	e.Partition = s.Partition
	e.MaxRecordBytes = s.MaxRecordBytes
	return e
}

func checkedName(s string) (string, error) { return s, source.CheckName(s) }

// stream reads one stream; before holds those already read.
func (d *decoder) stream(n *node, before []Stream) Stream {
	s := DefaultStream("")
	p := &parserNodes{at: n}
	d.fields(n, "a stream", map[string]func(*node){
		"name":             d.streamName(&s, before),
		"version":          into(d, &s.Version, intBetween(1, math.MaxInt32)),
		"paths":            func(n *node) { s.Paths = d.paths(n) },
		"exclude":          func(n *node) { s.Exclude = d.excludes(n) },
		"start_at":         into(d, &s.StartAtEnd, parseStartAt),
		"format":           func(n *node) { p.format = n },
		"regex":            func(n *node) { p.regex = n },
		"schema":           func(n *node) { p.schema = n },
		"unknown_keys":     func(n *node) { p.unknown = n },
		"inside":           func(n *node) { p.container.inside = n },
		"rename":           func(n *node) { p.container.rename = n },
		"time_window":      func(n *node) { p.window = n },
		"origin_path":      into(d, &s.OriginPath, compileOriginPath),
		"partition":        into(d, &s.Partition, batch.ParseGranularity),
		"batch":            func(n *node) { d.batch(n, &s.Batch) },
		"max_record_bytes": into(d, &s.MaxRecordBytes, sizeBetween(1, maxRecordBytesMax)),
		"rejects":          func(n *node) { d.rejects(n, &s.Rejects) },
		"retention":        into(d, &s.Retention, parseRetention),
	})
	if s.Name == "" && n.kind == mappingNode && !slices.ContainsFunc(n.pairs,
		func(p pair) bool { return p.key == "name" }) {
		d.fail(n.place, "a stream without a name")
	}
	s.Parser = parserDecoder{d}.parser(p)
	return s
}

func (d *decoder) streamName(s *Stream, before []Stream) func(*node) {
	return into(d, &s.Name, func(name string) (string, error) {
		for _, other := range before {
			// Names that differ only in case would share a folder on some file systems.
			if strings.EqualFold(name, other.Name) {
				return "", fmt.Errorf("there is a stream named %q already", other.Name)
			}
		}
		return checkedName(name)
	})
}

// patterns reads a list of patterns.
func (d *decoder) patterns(n *node) []string {
	paths := d.texts(n)
	if n.kind == listNode && len(n.items) == 0 {
		d.failValue(n, "want at least one pattern, or leave the key out")
	}
	if slices.Contains(paths, "") {
		d.failValue(n, "an empty pattern")
	}
	return paths
}

func compileOriginPath(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, errors.New("no text: leave the key out for no origin")
	}
	re, err := regexp.Compile(s)
	if err == nil && re.NumSubexp() > 1 {
		err = fmt.Errorf("%q: want at most one group, which is the origin; (?:...) for others", s)
	}
	return re, err
}

func (d *decoder) batch(n *node, b *Batch) {
	d.fields(n, "batch", map[string]func(*node){
		"max_bytes": into(d, &b.MaxBytes, sizeFrom(leastBytes,
			"each batch costs a manifest and an object a partition, however little it holds")),
		"max_age":        into(d, &b.MaxAge, durationBetween(10*time.Millisecond, 7*day)),
		"max_partitions": into(d, &b.MaxPartitions, intBetween(1, maxPartitionsMax)),
	})
}

func (d *decoder) rejects(n *node, r *Rejects) {
	var minRecords = int(r.MinRecords)
	d.fields(n, "rejects", map[string]func(*node){
		"max_ratio":   into(d, &r.MaxRatio, parseRatio),
		"min_records": into(d, &minRecords, intBetween(0, math.MaxInt)),
		"on_exceed":   into(d, &r.OnExceed, ParseOnExceed),
	})
	r.MinRecords = int64(minRecords)
}

func parseStartAt(s string) (atEnd bool, err error) {
	switch s {
	case "beginning", "end":
		return s == "end", nil
	}
	return false, fmt.Errorf("%q: want beginning or end", s)
}

// ParseOnExceed reads rejects.on_exceed: halt or quarantine.
func ParseOnExceed(s string) (string, error) {
	if s != onExceedHalt && s != onExceedQuarantine {
		return "", fmt.Errorf("%q: want %s or %s", s, onExceedQuarantine, onExceedHalt)
	}
	return s, nil
}
