package table

import (
	"fmt"

	"logseal/ingest/source"
)

// Format is the number of the formats that this package reads and writes. Another number is
// refused.
const Format = 1

// FormatError is returned for an object of another format than this program knows.
type FormatError struct{ Have int64 }

func (e *FormatError) Error() string {
	return fmt.Sprintf("format %d: this program reads format %d only, a newer one may read it",
		e.Have, Format)
}

// Manifest is what makes a batch committed and visible. Its fields are in the order of its JSON;
// every one is always present there, null where a pointer is nil or the origin empty.
type Manifest struct {
	Format  int
	Stream  string
	Version int
	Origin  string // empty for none
	SID     source.ID
	K       uint64
	Epoch   source.Digest
	Seal    source.Seal

	Start   int64
	End     int64
	OpenEnd bool // the last line had no line end because the file ended there

	ChainIn    source.Digest     // at Start
	ChainOut   source.Digest     // at End
	ChainState source.ChainState // at the last block boundary before or at End
	Marks      []source.Mark     // all standard ones strictly between Start and End
	Carry      *Carry            // what the format needs from before Start, nil for nothing
	// Rest is what the next batch carries over of records of several lines: left out of the JSON,
	// against the rule, where there is none, as in any table of lines.
	Rest source.Carry

	Records int64 // Rows + Rejects
	Rows    int64
	Rejects int64
	Skipped int64 // lines that hold nothing

	RowBytes     int64 // these three are exactly End - Start; a BOM and padding are skipped bytes, but no line
	RejectBytes  int64
	SkippedBytes int64

	MinTime *int64 // least event time of the rows in microseconds since 1970, nil for none
	MaxTime *int64

	Objects []Object // sorted by key; the quarantine's included
}

// Carry is what a batch needs to know of the bytes before its start.
type Carry struct {
	Line int64        // where the line that the start lies within began
	Rest source.Carry // of records of several lines; left out of the JSON where there is none
}

// Object is one object of a batch.
type Object struct {
	Key    string // relative to the prefix of the sink
	Bytes  int64
	SHA256 source.Digest
	Rows   int64 // of the quarantine's object: the rejects
}

// Table is the table the batch belongs to.
func (m *Manifest) Table() source.Table {
	return source.Table{Stream: m.Stream, Version: m.Version}
}

// SourceKey names the batch's source.
func (m *Manifest) SourceKey() source.Key {
	return source.Key{Table: m.Table(), Origin: m.Origin, ID: m.SID}
}

// Range is the batch's byte range.
func (m *Manifest) Range() source.Range { return source.Range{Start: m.Start, End: m.End} }

// BatchName is the name of the batch's folder in the spool and of its objects in the sink.
func (m *Manifest) BatchName() BatchName {
	return BatchName{ID: m.SID, Range: m.Range(), Seal: m.Seal}
}

// Key is where the manifest is put.
func (m *Manifest) Key() string { return ManifestKey(m.SourceKey(), m.Start) }

// JSON gives the canonical bytes of a manifest that Validate finds nothing wrong with.
func (m *Manifest) JSON() []byte {
	p := &printer{}
	p.open('{')
	p.int("format", int64(m.Format))
	p.str("stream", m.Stream)
	p.int("version", int64(m.Version))
	p.strOrNull("origin", m.Origin)
	p.text("sid", m.SID)
	p.uint("k", m.K)
	p.text("epoch", m.Epoch)
	p.text("seal", m.Seal)
	p.int("start", m.Start)
	p.int("end", m.End)
	p.bool("open_end", m.OpenEnd)
	p.text("chain_in", m.ChainIn)
	p.text("chain_out", m.ChainOut)
	p.text("chain_state", m.ChainState)
	printMarks(p, m.Marks)
	m.Carry.print(p)
	printRest(p, m.Rest)
	p.int("records", m.Records)
	p.int("rows", m.Rows)
	p.int("rejects", m.Rejects)
	p.int("skipped", m.Skipped)
	p.int("row_bytes", m.RowBytes)
	p.int("reject_bytes", m.RejectBytes)
	p.int("skipped_bytes", m.SkippedBytes)
	p.timeOrNull("min_time", m.MinTime)
	p.timeOrNull("max_time", m.MaxTime)
	p.name("objects")
	p.open('[')
	for _, o := range m.Objects {
		p.comma()
		o.print(p)
	}
	p.close(']')
	p.close('}')
	return append(p.b, '\n')
}

func (c *Carry) print(p *printer) {
	if c == nil {
		p.null("carry")
		return
	}
	p.name("carry")
	p.open('{')
	p.int("line", c.Line)
	printRest(p, c.Rest)
	p.close('}')
}

func printRest(p *printer, c source.Carry) {
	if c != (source.Carry{}) {
		p.text("rest", c)
	}
}

func (o Object) print(p *printer) {
	p.open('{')
	p.str("key", o.Key)
	p.int("bytes", o.Bytes)
	p.text("sha256", o.SHA256)
	p.int("rows", o.Rows)
	p.close('}')
}

// ParseManifest reads the canonical bytes of a manifest and validates it. It ignores fields it
// does not know; every known field must be there, in its place and in its one spelling.
func ParseManifest(body []byte) (*Manifest, error) {
	s := scanDocument(body)
	m := scanManifest(s)
	if s.err != nil {
		return nil, fmt.Errorf("manifest: %w", s.err)
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return m, nil
}

func scanManifest(s *scanner) *Manifest {
	m := &Manifest{Format: s.format()}
	m.Stream = s.str("stream")
	m.Version = int(s.int("version"))
	m.Origin = s.strOrNull("origin")
	m.SID = scanText(s, "sid", source.ParseID)
	m.K = s.uint("k")
	m.Epoch = scanText(s, "epoch", source.ParseDigest)
	m.Seal = scanText(s, "seal", source.ParseSeal)
	m.Start = s.int("start")
	m.End = s.int("end")
	m.OpenEnd = s.bool("open_end")
	m.ChainIn = scanText(s, "chain_in", source.ParseDigest)
	m.ChainOut = scanText(s, "chain_out", source.ParseDigest)
	m.ChainState = scanText(s, "chain_state", source.ParseChainState)
	m.Marks = s.marks("marks")
	m.Carry = s.carry("carry")
	m.Rest = s.rest("rest")
	m.Records = s.int("records")
	m.Rows = s.int("rows")
	m.Rejects = s.int("rejects")
	m.Skipped = s.int("skipped")
	m.RowBytes = s.int("row_bytes")
	m.RejectBytes = s.int("reject_bytes")
	m.SkippedBytes = s.int("skipped_bytes")
	m.MinTime = s.timeOrNull("min_time")
	m.MaxTime = s.timeOrNull("max_time")
	m.Objects = s.objects("objects")
	return m
}

// format takes the field that every document begins with, before anything else is understood.
func (s *scanner) format() int {
	n := s.int("format")
	if s.err == nil && n != Format {
		s.err = &FormatError{Have: n}
	}
	return int(n)
}

func (s *scanner) carry(name string) *Carry {
	raw, ok := s.orNull(name)
	if !ok {
		return nil
	}
	in := scanObject(raw)
	c := &Carry{Line: in.int("line"), Rest: in.rest("rest")}
	s.inner(name, in)
	return c
}

func (s *scanner) rest(name string) (c source.Carry) {
	if s.has(name) {
		c = scanText(s, name, source.ParseCarry)
		s.notDefault(name, c == source.Carry{})
	}
	return c
}

func (s *scanner) objects(name string) []Object {
	var os []Object
	for _, raw := range s.array(name) {
		in := scanObject(raw)
		o := Object{Key: in.str("key"), Bytes: in.int("bytes")}
		o.SHA256 = scanText(in, "sha256", source.ParseDigest)
		o.Rows = in.int("rows")
		s.inner(name, in)
		os = append(os, o)
	}
	return os
}

// inner takes over the error of an object inside this one.
func (s *scanner) inner(name string, in *scanner) {
	if in.err != nil {
		s.fail(name, in.err)
	}
}
