package table

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"logseal/ingest/source"
)

// SourceNote says of a source who began it, when and from which file. It is put before the source's
// first object, and stays as whoever was first has put it: nothing depends on what it says, only on
// its key. Its fields are in the order of its JSON.
type SourceNote struct {
	Format  int
	Stream  string
	Version int
	Origin  string // empty for none
	SID     source.ID
	K       uint64
	Path    string // as valid UTF-8, whatever the file system has
	Host    string // empty for not known
	Size    int64  // of the file, as it lies there
	MTime   *int64 // of the file, in microseconds since 1970; nil for not known
	Program string // the version of the program
	Time    int64  // when the note was made, in microseconds since 1970
}

// Table is the table the source belongs to.
func (n *SourceNote) Table() source.Table {
	return source.Table{Stream: n.Stream, Version: n.Version}
}

// SourceKey names the source.
func (n *SourceNote) SourceKey() source.Key {
	return source.Key{Table: n.Table(), Origin: n.Origin, ID: n.SID}
}

// JSON gives the canonical bytes of a note that Validate finds nothing wrong with.
func (n *SourceNote) JSON() []byte {
	p := &printer{}
	p.open('{')
	p.int("format", int64(n.Format))
	p.str("stream", n.Stream)
	p.int("version", int64(n.Version))
	p.strOrNull("origin", n.Origin)
	p.text("sid", n.SID)
	p.uint("k", n.K)
	p.str("path", n.Path)
	p.strOrNull("host", n.Host)
	p.int("size", n.Size)
	p.timeOrNull("mtime", n.MTime)
	p.str("program", n.Program)
	p.timeOrNull("time", &n.Time)
	p.close('}')
	return append(p.b, '\n')
}

// ParseSourceNote reads the canonical bytes of a note and validates it, as ParseManifest does.
func ParseSourceNote(body []byte) (*SourceNote, error) {
	s := scanDocument(body)
	n := scanSourceNote(s)
	if s.err != nil {
		return nil, fmt.Errorf("note on a source: %w", s.err)
	}
	if err := n.Validate(); err != nil {
		return nil, fmt.Errorf("note on a source: %w", err)
	}
	return n, nil
}

func scanSourceNote(s *scanner) *SourceNote {
	n := &SourceNote{Format: s.format()}
	n.Stream = s.str("stream")
	n.Version = int(s.int("version"))
	n.Origin = s.strOrNull("origin")
	n.SID = scanText(s, "sid", source.ParseID)
	n.K = s.uint("k")
	n.Path = s.str("path")
	n.Host = s.strOrNull("host")
	n.Size = s.int("size")
	n.MTime = s.timeOrNull("mtime")
	n.Program = s.str("program")
	n.Time = s.time("time")
	return n
}

// Validate returns an error unless the note keeps every rule of the format.
func (n *SourceNote) Validate() error {
	if err := validatePlace(n.Format, n.SourceKey()); err != nil {
		return err
	}
	if n.Path == "" || n.Program == "" {
		return errors.New("path and program: want both")
	}
	for _, s := range []string{n.Path, n.Host, n.Program} {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not valid UTF-8", s)
		}
	}
	if n.Size < 0 {
		return fmt.Errorf("size %d is negative", n.Size)
	}
	for _, t := range []*int64{n.MTime, &n.Time} {
		if t != nil && (*t < minMicros || *t > maxMicros) {
			return errors.New("mtime and time: want years 0 to 9999")
		}
	}
	return nil
}

// ValidateFor returns an error unless the note may stand at key. It does not know its head, so that
// may be any.
func (n *SourceNote) ValidateFor(key string) error {
	k, err := ParseKey(key)
	if err != nil {
		return err
	}
	if k.Kind != SourceKind || k.Source != n.SourceKey() {
		return fmt.Errorf("the body is of source %s", n.SourceKey())
	}
	return nil
}
