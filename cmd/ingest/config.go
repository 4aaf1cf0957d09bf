package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/sink/dir"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Config is the config file. A key that is left out has the default that its field's doc states;
// where it depends on the command, the field is zero. A path that is relative in the file is joined
// with the file's folder.
type Config struct {
	// State is the folder of ledger and spool. Default: .state in a folder sink, else
	// $XDG_STATE_HOME/logseal/<hash of sink>.
	State string
	// Sink is a folder or s3://bucket/prefix. Default ./logseal-out.
	Sink string
	// SinkMode (sink_mode) is the mode of objects in a folder sink; its folders have the same with
	// leave to enter for who may read. Default 0640.
	SinkMode fs.FileMode
	// Origin is who produced the logs of streams without an origin_path. Default for `tail` what the
	// ledger keeps, at first the host name; for `load` none.
	Origin origin
	// SpoolMaxBytes (spool: max_bytes) is how far the spool may grow before reading pauses; default
	// 10GiB.
	SpoolMaxBytes int64
	// ShutdownGrace (shutdown: grace) is for how long `tail` tries to ship what is sealed once it is
	// told to end; default 20s.
	ShutdownGrace time.Duration
	Tail          FollowConfig
	// FollowLinks (symlinks: follow) has every symbolic link to a log followed, whoever could replace
	// it. Default symlinks: safe, see files.LinkError.
	FollowLinks bool
	// Streams are the kinds of logs; one at least.
	Streams []StreamConfig
}

// StreamConfig is one entry of `streams`.
type StreamConfig struct {
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
	Batch          BatchConfig
	MaxRecordBytes int64 // longest line that is one record; default 1MiB
	Rejects        RejectsConfig
	// Retention is after how long someone deletes the stream's objects, a lifecycle rule say:
	// verify calls those expired. Nothing here deletes. Default 0, never.
	Retention time.Duration
}

// FollowConfig is `tail`: how files that grow are followed.
type FollowConfig struct {
	PollInterval time.Duration // how often files are looked at; default 1s
	// CloseWait is how long after its last write a file is let go whose path is gone; default 1m.
	CloseWait time.Duration
	// CopyWait is for how long a file that may be a copy of a lost one, and does not change, holds
	// back that the loss is declared; default 1h.
	CopyWait time.Duration
}

// BatchConfig is `batch`: where ranges are cut.
type BatchConfig struct {
	MaxBytes      int64         // default 256MiB for load, 64MiB for tail
	MaxAge        time.Duration // only tail looks at it; default 5m
	MaxPartitions int           // default 64
}

// RejectsConfig is `rejects`: when a batch has too many.
type RejectsConfig struct {
	MaxRatio   float64 // of rejects to records; default 0.10
	MinRecords int64   // a batch with fewer records is not judged; default 1000
	OnExceed   string  // quarantine or halt; default halt for load, quarantine for tail
}

const (
	defaultSink          = "logseal-out"
	defaultSpoolMaxBytes = 10 << 30
	loadBatchBytes       = 256 << 20
	tailBatchBytes       = 64 << 20
	tailMaxAge           = 5 * time.Minute
	defaultMaxPartitions = 64

	// configMax bounds what the YAML parser is given; a config of a hundred streams has 50 KiB.
	configMax = 1 << 20

	// leastBytes is the smallest batch and spool. Real ones are thousands of times as large: a smaller
	// number is a slip of the pen, and would make an object of each line.
	leastBytes = 1 << 10

	// maxRecordBytesMax keeps the few records in hand at once within a few hundred MiB.
	maxRecordBytesMax = 64 << 20
	// maxPartitionsMax bounds the files that a batch may have open.
	maxPartitionsMax = 4096

	onExceedHalt       = "halt"
	onExceedQuarantine = "quarantine"
)

// defaultConfig is a config file without a word in it.
func defaultConfig() *Config {
	return &Config{
		SinkMode:      dir.DefaultMode,
		SpoolMaxBytes: defaultSpoolMaxBytes,
		ShutdownGrace: 20 * time.Second,
		Tail: FollowConfig{
			PollInterval: time.Second, CloseWait: time.Minute, CopyWait: time.Hour,
		},
	}
}

// defaultStream is a stream of which nothing is said but its name.
func defaultStream(name string) StreamConfig {
	return StreamConfig{
		Name:           name,
		Version:        1,
		Batch:          BatchConfig{MaxPartitions: defaultMaxPartitions},
		MaxRecordBytes: table.DefaultMaxRecordBytes,
		Rejects:        RejectsConfig{MaxRatio: 0.10, MinRecords: 1000},
	}
}

// Epoch is the stream's canonical definition.
func (s *StreamConfig) Epoch() *table.Epoch {
	e := table.NewEpoch(source.Table{Stream: s.Name, Version: s.Version}, s.Parser)
	e.Partition = s.Partition
	e.MaxRecordBytes = s.MaxRecordBytes
	return e
}

// readConfig reads and checks the config file at path. Its error lists everything that is wrong,
// each with its line and column.
func readConfig(path string) (*Config, error) {
	body, err := readBounded(path, configMax)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return parseConfig(filepath.Clean(path), body)
}

func parseConfig(name string, body []byte) (*Config, error) {
	root, err := parseYAML(name, body)
	if err != nil {
		return nil, err
	}
	d := newDecoder(name)
	c := d.config(root)
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (d *decoder) config(n *node) *Config {
	c := defaultConfig()
	if n.kind != mappingNode {
		d.fail(n.place, "want a config that begins with a key, like `streams:`; have %v", n.kind)
		return c
	}
	var streams *node
	d.fields(n, "the config", map[string]func(*node){
		"state":     d.intoPath(&c.State),
		"sink":      d.intoPath(&c.Sink),
		"sink_mode": into(d, &c.SinkMode, parseSinkMode),
		"origin":    into(d, &c.Origin, parseOrigin),
		"spool":     func(n *node) { d.spool(n, c) },
		"shutdown":  func(n *node) { d.shutdown(n, c) },
		"symlinks":  into(d, &c.FollowLinks, parseSymlinks),
		"tail":      func(n *node) { d.follow(n, &c.Tail) },
		"streams":   func(n *node) { streams = n },
	})
	if streams == nil {
		d.fail(n.place, "no streams: want `streams:` with a list of at least one")
		return c
	}
	d.of("streams", func() {
		d.list(streams, func(n *node) { c.Streams = append(c.Streams, d.stream(n, c.Streams)) })
	})
	if streams.kind == listNode && len(streams.items) == 0 {
		d.fail(streams.place, "streams is empty: want at least one")
	}
	return c
}

func (d *decoder) spool(n *node, c *Config) {
	d.fields(n, "spool", map[string]func(*node){
		"max_bytes": into(d, &c.SpoolMaxBytes, sizeFrom(leastBytes, "it has to hold a batch")),
	})
}

func (d *decoder) shutdown(n *node, c *Config) {
	d.fields(n, "shutdown", map[string]func(*node){
		"grace": into(d, &c.ShutdownGrace, durationBetween(0, time.Hour)),
	})
}

func (d *decoder) follow(n *node, f *FollowConfig) {
	d.fields(n, "tail", map[string]func(*node){
		"poll_interval": into(d, &f.PollInterval, durationBetween(10*time.Millisecond, time.Minute)),
		"close_wait":    into(d, &f.CloseWait, durationBetween(0, day)),
		"copy_wait":     into(d, &f.CopyWait, durationBetween(time.Second, 30*day)),
	})
}

func checkedName(s string) (string, error) { return s, source.CheckName(s) }

// stream reads one stream; before holds those already read.
func (d *decoder) stream(n *node, before []StreamConfig) StreamConfig {
	s := defaultStream("")
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
		"inside":           func(n *node) { p.frame.inside = n },
		"rename":           func(n *node) { p.frame.rename = n },
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
	s.Parser = d.parser(p)
	return s
}

func (d *decoder) streamName(s *StreamConfig, before []StreamConfig) func(*node) {
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

func (d *decoder) batch(n *node, b *BatchConfig) {
	d.fields(n, "batch", map[string]func(*node){
		"max_bytes": into(d, &b.MaxBytes, sizeFrom(leastBytes,
			"each batch costs a manifest and an object a partition, however little it holds")),
		"max_age":        into(d, &b.MaxAge, durationBetween(10*time.Millisecond, 7*day)),
		"max_partitions": into(d, &b.MaxPartitions, intBetween(1, maxPartitionsMax)),
	})
}

func (d *decoder) rejects(n *node, r *RejectsConfig) {
	var minRecords = int(r.MinRecords)
	d.fields(n, "rejects", map[string]func(*node){
		"max_ratio":   into(d, &r.MaxRatio, parseRatio),
		"min_records": into(d, &minRecords, intBetween(0, math.MaxInt)),
		"on_exceed":   into(d, &r.OnExceed, parseOnExceed),
	})
	r.MinRecords = int64(minRecords)
}

func parseSymlinks(s string) (follow bool, err error) {
	switch s {
	case "safe", "follow":
		return s == "follow", nil
	}
	return false, fmt.Errorf("%q: want safe or follow", s)
}

// parseSinkMode reads a mode of files that we may read and write, nobody may run, and not everyone
// may write.
func parseSinkMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 9)
	if mode := fs.FileMode(n); err == nil && mode&0o600 == 0o600 && mode&0o113 == 0 {
		return mode, nil
	}
	return 0, fmt.Errorf("%q: want a mode of files like 0640, 0600 or 0644", s)
}

func parseStartAt(s string) (atEnd bool, err error) {
	switch s {
	case "beginning", "end":
		return s == "end", nil
	}
	return false, fmt.Errorf("%q: want beginning or end", s)
}

func parseOnExceed(s string) (string, error) {
	if s != onExceedHalt && s != onExceedQuarantine {
		return "", fmt.Errorf("%q: want %s or %s", s, onExceedQuarantine, onExceedHalt)
	}
	return s, nil
}
