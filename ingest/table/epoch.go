package table

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// EncoderVersion is the number of the encoder: it changes whenever the same batch would give
// other bytes, so that no data key ever stands for two contents.
const EncoderVersion = 1

// DefaultMaxRecordBytes is the longest line, its line end not counted, that is one record.
const DefaultMaxRecordBytes = 1 << 20

// Compression is how the pages of an object are compressed.
type Compression string

// Zstd is the default, and all that this encoder writes.
const Zstd Compression = "zstd"

// Epoch is all that decides how the bytes of a source become objects: never a path, a cut, an
// origin or a place. Its fields are in the order of its JSON, where format, encoder, stream, the
// pattern or the kind of what has none, and the columns' names and types always stand and the rest
// only when it is not at its default.
type Epoch struct {
	Format  int
	Encoder int // EncoderVersion of the program that made it
	Stream  string
	Version int // default 1

	Parser         parse.Definition // presets expanded; the window stands after the partition
	Partition      batch.Granularity
	MaxRecordBytes int64       // default DefaultMaxRecordBytes
	Compression    Compression // default Zstd
}

// NewEpoch gives the epoch of a table at its defaults, for this encoder.
func NewEpoch(t source.Table, d parse.Definition) *Epoch {
	return &Epoch{Format: Format, Encoder: EncoderVersion, Stream: t.Stream, Version: t.Version,
		Parser: d.Canonical(), MaxRecordBytes: DefaultMaxRecordBytes, Compression: Zstd}
}

// Table is the table the epoch belongs to.
func (e *Epoch) Table() source.Table {
	return source.Table{Stream: e.Stream, Version: e.Version}
}

// ID is the SHA-256 of the epoch's bytes, by which manifests name it.
func (e *Epoch) ID() source.Digest { return source.DigestOf(e.JSON()) }

// Key is where the epoch is put.
func (e *Epoch) Key() string { return EpochKey(e.Table(), e.ID()) }

// JSON gives the canonical bytes of an epoch that Validate finds nothing wrong with.
func (e *Epoch) JSON() []byte {
	d := e.Parser.Canonical()
	p := &printer{}
	p.open('{')
	p.int("format", int64(e.Format))
	p.int("encoder", int64(e.Encoder))
	p.str("stream", e.Stream)
	if e.Version != 1 {
		p.int("version", int64(e.Version))
	}
	if d.Frame != parse.NoFrame {
		p.text("frame", d.Frame)
	}
	if d.Kind == parse.Regex {
		p.str("pattern", d.Pattern)
	} else {
		p.text("kind", d.Kind)
	}
	if d.UnknownKeys != 0 {
		p.text("unknown_keys", d.UnknownKeys)
	}
	p.name("columns")
	p.open('[')
	for _, c := range d.Columns {
		p.comma()
		printColumn(p, c)
	}
	p.close(']')
	if e.Partition != batch.Day {
		p.text("partition", e.Partition)
	}
	if d.Window != (parse.Window{}) {
		p.name("window")
		p.open('{')
		p.str("from", formatTime(d.Window.From))
		p.str("to", formatTime(d.Window.To))
		p.close('}')
	}
	if e.MaxRecordBytes != DefaultMaxRecordBytes {
		p.int("max_record_bytes", e.MaxRecordBytes)
	}
	if e.Compression != Zstd {
		p.str("compression", string(e.Compression))
	}
	p.close('}')
	return append(p.b, '\n')
}

func printColumn(p *printer, c parse.Column) {
	p.open('{')
	p.str("name", c.Name)
	p.text("type", c.Type)
	optStr := func(name, v string) {
		if v != "" {
			p.str(name, v)
		}
	}
	optBool := func(name string, v bool) {
		if v {
			p.bool(name, v)
		}
	}
	optStrs := func(name string, vs []string) {
		if len(vs) > 0 {
			p.strs(name, vs)
		}
	}
	optInt := func(name string, v int) {
		if v != 0 {
			p.int(name, int64(v))
		}
	}
	optStr("key", c.Key)
	optStr("layout", c.Layout)
	optStr("zone", c.Zone)
	optBool("event_time", c.EventTime)
	optBool("optional", c.Optional)
	optStrs("null_values", c.NullValues)
	optStrs("enum", c.Enum)
	optStr("min", c.Min)
	optStr("max", c.Max)
	optInt("min_length", c.MinLength)
	optInt("max_length", c.MaxLength)
	optStr("pattern", c.Pattern)
	p.close('}')
}

// ParseEpoch reads an epoch and validates it, without the fields that it does not know: whether it
// knew all is whether ID gives the digest of body.
func ParseEpoch(body []byte) (*Epoch, error) {
	s := scanDocument(body)
	e := scanEpoch(s)
	if s.err != nil {
		return nil, fmt.Errorf("epoch: %w", s.err)
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("epoch: %w", err)
	}
	return e, nil
}

func scanEpoch(s *scanner) *Epoch {
	e := &Epoch{Format: s.format(), Version: 1, MaxRecordBytes: DefaultMaxRecordBytes,
		Compression: Zstd}
	e.Encoder = int(s.int("encoder"))
	e.Stream = s.str("stream")
	if s.has("version") {
		e.Version = int(s.int("version"))
		s.notDefault("version", e.Version == 1)
	}
	if s.has("frame") {
		e.Parser.Frame = scanText(s, "frame", parse.ParseFrame)
		s.notDefault("frame", e.Parser.Frame == parse.NoFrame)
	}
	scanKind(s, &e.Parser)
	e.Parser.Columns = s.columns("columns")
	if s.err == nil && len(e.Parser.Canonical().Columns) > len(e.Parser.Columns) {
		s.fail("columns", fmt.Errorf("want %s as the last", parse.ExtraName))
	}
	if s.has("partition") {
		e.Partition = scanText(s, "partition", batch.ParseGranularity)
		s.notDefault("partition", e.Partition == batch.Day)
	}
	if s.has("window") {
		e.Parser.Window = s.window("window")
	}
	if s.has("max_record_bytes") {
		e.MaxRecordBytes = s.int("max_record_bytes")
		s.notDefault("max_record_bytes", e.MaxRecordBytes == DefaultMaxRecordBytes)
	}
	if s.has("compression") {
		e.Compression = Compression(s.str("compression"))
		s.notDefault("compression", e.Compression == Zstd)
	}
	return e
}

// scanKind scans how lines are taken apart: by a pattern, or as the kind says.
func scanKind(s *scanner, d *parse.Definition) {
	if !s.has("kind") {
		d.Pattern = s.str("pattern")
		return
	}
	d.Kind = scanText(s, "kind", parse.ParseKind)
	s.notDefault("kind", d.Kind == parse.Regex)
	if s.has("unknown_keys") {
		d.UnknownKeys = scanText(s, "unknown_keys", parse.ParseUnknownKeys)
		s.notDefault("unknown_keys", d.UnknownKeys == parse.KeepUnknown)
	}
}

// notDefault fails when a field that may be left out stands there with its default.
func (s *scanner) notDefault(name string, isDefault bool) {
	if s.err == nil && isDefault {
		s.fail(name, errors.New("at its default: want it left out"))
	}
}

func (s *scanner) window(name string) parse.Window {
	in := scanObject(s.raw(name))
	w := parse.Window{From: scanText(in, "from", parseTime), To: scanText(in, "to", parseTime)}
	s.inner(name, in)
	s.notDefault(name, w == parse.DefaultWindow())
	return w
}

func (s *scanner) columns(name string) []parse.Column {
	var cs []parse.Column
	for _, raw := range s.array(name) {
		in := scanObject(raw)
		cs = append(cs, scanColumn(in))
		s.inner(name, in)
	}
	return cs
}

func scanColumn(s *scanner) parse.Column {
	c := parse.Column{Name: s.str("name"), Type: scanText(s, "type", parse.ParseType)}
	optStr := func(name string) (v string) {
		if s.has(name) {
			v = s.str(name)
			s.notDefault(name, v == "")
		}
		return v
	}
	optBool := func(name string) (v bool) {
		if s.has(name) {
			v = s.bool(name)
			s.notDefault(name, !v)
		}
		return v
	}
	optStrs := func(name string) (v []string) {
		if s.has(name) {
			v = s.strs(name)
			s.notDefault(name, len(v) == 0)
		}
		return v
	}
	optInt := func(name string) (v int) {
		if s.has(name) {
			v = int(s.int(name))
			s.notDefault(name, v == 0)
		}
		return v
	}
	c.Key = optStr("key")
	if s.err == nil && c.Key == c.Name && c.Key != "" {
		s.fail("key", errors.New("the column's name: want it left out"))
	}
	c.Layout = optStr("layout")
	c.Zone = optStr("zone")
	c.EventTime = optBool("event_time")
	c.Optional = optBool("optional")
	c.NullValues = optStrs("null_values")
	c.Enum = optStrs("enum")
	c.Min = optStr("min")
	c.Max = optStr("max")
	c.MinLength = optInt("min_length")
	c.MaxLength = optInt("max_length")
	c.Pattern = optStr("pattern")
	return c
}

// Validate returns an error unless the epoch keeps every rule of the format.
func (e *Epoch) Validate() error {
	if err := validatePlace(e.Format, source.Key{Table: e.Table()}); err != nil {
		return err
	}
	if e.Encoder < 1 {
		return fmt.Errorf("encoder %d: want 1 or more", e.Encoder)
	}
	if err := e.Parser.Validate(); err != nil {
		return err
	}
	if e.Partition > batch.Hour {
		return fmt.Errorf("partition: %v", e.Partition)
	}
	if w := e.Parser.Window; w.From < minMicros || w.To > maxMicros {
		return errors.New("window: want years 0 to 9999")
	}
	if e.MaxRecordBytes < 1 {
		return fmt.Errorf("max_record_bytes %d: want 1 or more", e.MaxRecordBytes)
	}
	if e.Compression == "" {
		return errors.New("compression: want a name")
	}
	for _, s := range e.texts() {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not valid UTF-8", s)
		}
	}
	return nil
}

// texts lists every string of the epoch that a user wrote.
func (e *Epoch) texts() []string {
	ts := []string{e.Parser.Pattern, string(e.Compression)}
	for _, c := range e.Parser.Columns {
		ts = append(ts, c.Name, c.Key, c.Layout, c.Zone, c.Min, c.Max, c.Pattern)
		ts = append(ts, c.NullValues...)
		ts = append(ts, c.Enum...)
	}
	return ts
}

// Compatible returns an error unless a table that holds batches of old may go on with new: only
// optional columns may be added, with the pattern that captures them, and encoder and compression
// may change. The error says what differs and the way out.
func Compatible(old, new *Epoch) error {
	what := incompatible(old, new)
	if what == "" {
		return nil
	}
	return fmt.Errorf("stream %s: %s differs from what the sink holds; set `version: %d` to write "+
		"a table of its own beside it, or, without a config, give --stream NAME or another --out", old.Stream, what, old.Version+1)
}

// incompatible names the first difference that a table cannot live with, "" for none.
func incompatible(old, new *Epoch) string {
	od, nd := old.Parser.Canonical(), new.Parser.Canonical()
	switch {
	case old.Format != new.Format:
		return "the format"
	case od.Frame != nd.Frame, od.Kind != nd.Kind:
		return "`format`"
	case od.UnknownKeys != nd.UnknownKeys:
		return "`unknown_keys`"
	case old.Table() != new.Table():
		return "the table"
	case old.Partition != new.Partition:
		return "`partition`"
	case od.Window != nd.Window:
		return "`time_window`"
	case old.MaxRecordBytes != new.MaxRecordBytes:
		return "`max_record_bytes`"
	}
	added := len(nd.Columns) - len(od.Columns)
	rest := od.Columns
	for _, c := range nd.Columns {
		if len(rest) > 0 && c.Name == rest[0].Name {
			if !sameColumn(c, rest[0]) {
				return fmt.Sprintf("column %q", c.Name)
			}
			rest = rest[1:]
			continue
		}
		if !c.Optional || c.EventTime {
			return fmt.Sprintf("column %q, which is new and not a plain optional one,", c.Name)
		}
	}
	if len(rest) > 0 {
		return fmt.Sprintf("column %q, which is gone or elsewhere,", rest[0].Name)
	}
	if od.Pattern != nd.Pattern && added == 0 {
		return "the pattern"
	}
	return ""
}

func sameColumn(a, b parse.Column) bool {
	return a.Name == b.Name && a.Type == b.Type && a.Key == b.Key &&
		a.Layout == b.Layout && a.Zone == b.Zone &&
		a.EventTime == b.EventTime && a.Optional == b.Optional &&
		slices.Equal(a.NullValues, b.NullValues) && slices.Equal(a.Enum, b.Enum) &&
		a.Min == b.Min && a.Max == b.Max &&
		a.MinLength == b.MinLength && a.MaxLength == b.MaxLength && a.Pattern == b.Pattern
}
