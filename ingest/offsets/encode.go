package offsets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"logseal/ingest/source"
)

// The stored forms. Keys of buckets are text that sorts; values are JSON, read strictly.

type storedMeta struct {
	Format   int    `json:"format"`
	WriterID string `json:"writer_id"`
	Sink     text   `json:"sink"`
	Origin   string `json:"origin"`
}

type storedSource struct {
	Serial       uint64        `json:"serial"`
	K            uint64        `json:"k"`
	Path         text          `json:"path"`
	File         FileState     `json:"file"`
	Marker       source.Digest `json:"marker"`
	Sealed       source.Point  `json:"sealed"`
	Shipped      int64         `json:"shipped"`
	LastStart    int64         `json:"last_start"`
	Highest      int64         `json:"highest"`
	OpenEnd      bool          `json:"open_end"`
	Outbox       []storedEntry `json:"outbox"`
	LowerRefuted bool          `json:"lower_refuted"`
	Head         []byte        `json:"head,omitempty"`
	Barrier      int64         `json:"barrier"`
	Lost         []string      `json:"lost,omitempty"`
}

type storedEntry struct {
	Range string            `json:"range"`
	Seal  source.Seal       `json:"seal"`
	Spool text              `json:"spool"`
	State source.ChainState `json:"state"`
	Rest  source.Carry      `json:"rest,omitzero"`
}

type storedFile struct {
	State  FileState     `json:"state"`
	Source string        `json:"source"`
	Serial uint64        `json:"serial"` // of the source
	Offset int64         `json:"offset"`
	Chain  source.Digest `json:"chain"`
}

type storedSighting struct {
	Path  text      `json:"path"`
	File  FileState `json:"file"`
	K     uint64    `json:"k"`
	Size  int64     `json:"size"`
	Marks []mark    `json:"marks,omitempty"`
}

type mark struct {
	Offset int64         `json:"offset"`
	Chain  source.Digest `json:"chain"`
}

// text is a string that need not be UTF-8, as a path: JSON's own strings would lose its bytes.
type text string

// MarshalJSON gives a string, or {"bytes":"<base64>"} for what is not UTF-8.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(struct {
		Bytes []byte `json:"bytes"`
	}{[]byte(t)})
}

// UnmarshalJSON reads what MarshalJSON gives.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return json.Unmarshal(b, (*string)(t))
	}
	var v struct {
		Bytes []byte `json:"bytes"`
	}
	if err := decode(b, &v); err != nil {
		return err
	}
	*t = text(v.Bytes)
	return nil
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b, nil
}

// decode reads exactly one JSON value without unknown fields.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

func encodeSource(s *Source) ([]byte, error) {
	w := storedSource{
		Serial: s.Serial, K: s.K, Path: text(s.Path), File: s.File, Marker: s.Marker, Sealed: s.Sealed,
		Shipped: s.Shipped, LastStart: s.LastStart, Highest: s.Highest, OpenEnd: s.OpenEnd,
		Outbox: make([]storedEntry, len(s.Outbox)), LowerRefuted: s.LowerRefuted,
		Head:    s.Head,
		Barrier: s.Barrier,
	}
	for i, e := range s.Outbox {
		w.Outbox[i] = storedEntry{Range: e.Range.Name(), Seal: e.Seal, Spool: text(e.Spool),
			State: e.State, Rest: e.Rest}
	}
	for _, r := range s.Lost {
		w.Lost = append(w.Lost, r.Name())
	}
	return encode(w)
}

func decodeSource(b []byte) (*Source, error) {
	var w storedSource
	if err := decode(b, &w); err != nil {
		return nil, err
	}
	if w.Serial == 0 {
		return nil, errors.New("it has no serial number")
	}
	s := &Source{
		Serial: w.Serial, K: w.K, Path: string(w.Path), File: w.File, Marker: w.Marker, Sealed: w.Sealed,
		Shipped: w.Shipped, LastStart: w.LastStart, Highest: w.Highest, OpenEnd: w.OpenEnd,
		LowerRefuted: w.LowerRefuted, Head: w.Head, Barrier: w.Barrier,
	}
	for _, e := range w.Outbox {
		r, err := source.ParseRange(e.Range)
		if err != nil {
			return nil, err
		}
		s.Outbox = append(s.Outbox, Entry{Range: r, Seal: e.Seal, Spool: string(e.Spool),
			State: e.State, Rest: e.Rest})
	}
	for _, name := range w.Lost {
		r, err := source.ParseRange(name)
		if err != nil {
			return nil, err
		}
		s.Lost = append(s.Lost, r)
	}
	return s, s.Validate()
}

// decodeEnd reads an end: the bytes of its chain. There are more ends than of all else.
func decodeEnd(b []byte) (chain source.Digest, err error) {
	if len(b) != len(chain) {
		return chain, fmt.Errorf("a chain of %d bytes, want %d", len(b), len(chain))
	}
	return source.Digest(b), nil
}

func encodeFile(f FileRecord, serial uint64) ([]byte, error) {
	return encode(storedFile{f.State, f.Key.String(), serial, f.Offset, f.Chain})
}

func decodeFile(path string, b []byte) (f FileRecord, serial uint64, err error) {
	var w storedFile
	if err := decode(b, &w); err != nil {
		return f, 0, err
	}
	key, err := parseKey(w.Source)
	return FileRecord{path, w.State, key, w.Offset, w.Chain}, w.Serial, err
}

func encodeSighting(x Sighting) ([]byte, error) {
	w := storedSighting{Path: text(x.Path), File: x.File, K: x.K, Size: x.Size}
	for _, m := range x.Marks {
		w.Marks = append(w.Marks, mark{m.Offset, m.Chain})
	}
	return encode(w)
}

func decodeSighting(key source.Key, b []byte) (Sighting, error) {
	var w storedSighting
	err := decode(b, &w)
	x := Sighting{Key: key, Path: string(w.Path), File: w.File, K: w.K, Size: w.Size}
	for _, m := range w.Marks {
		x.Marks = append(x.Marks, source.Mark{Offset: m.Offset, Chain: m.Chain})
	}
	return x, err
}

// parseTable reads what source.Table's String gives.
func parseTable(s string) (source.Table, error) {
	stream, version, _ := strings.Cut(s, "/v")
	n, err := strconv.Atoi(version)
	t := source.Table{Stream: stream, Version: n}
	if err != nil || source.CheckName(stream) != nil || t.String() != s {
		return source.Table{}, fmt.Errorf("table %q: want <stream>/v<version>", s)
	}
	return t, nil
}

// parseKey reads what source.Key's String gives.
func parseKey(s string) (source.Key, error) {
	bad := func(err error) (source.Key, error) {
		return source.Key{}, fmt.Errorf("source key %q: %w", s, err)
	}
	p := strings.Split(s, "/")
	if len(p) != 4 {
		return bad(errors.New("want <stream>/v<version>/<origin>/<sid>"))
	}
	table, err := parseTable(p[0] + "/" + p[1])
	if err != nil {
		return bad(err)
	}
	id, err := source.ParseID(p[3])
	if err != nil {
		return bad(err)
	}
	key := source.Key{Table: table, ID: id}
	if p[2] != source.NoOrigin {
		if err := source.CheckName(p[2]); err != nil {
			return bad(err)
		}
		key.Origin = p[2]
	}
	return key, nil
}

// endKey is where the end of a source at off stands among the ends.
func endKey(key source.Key, off int64) []byte {
	return []byte(key.String() + "/" + source.OffsetName(off))
}

// parseEndKey reads what endKey gives.
func parseEndKey(b []byte) (source.Key, int64, error) {
	s := string(b)
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return source.Key{}, 0, fmt.Errorf("end key %q: want <source>/<offset>", s)
	}
	key, err := parseKey(s[:i])
	if err != nil {
		return source.Key{}, 0, err
	}
	off, err := source.ParseOffset(s[i+1:])
	return key, off, err
}

// fileKey is where the file at path stands among the files. A table's text has no NUL.
func fileKey(table source.Table, path string) []byte {
	return []byte(table.String() + "\x00" + path)
}

// parseFileKey reads the path out of what fileKey gives.
func parseFileKey(b []byte) (table, path string, err error) {
	table, path, ok := strings.Cut(string(b), "\x00")
	if !ok {
		return "", "", fmt.Errorf("file key %q: want <table> NUL <path>", b)
	}
	return table, path, nil
}

// definitionKey is where a definition of a table stands among those that the sink was asked about.
func definitionKey(table source.Table, epoch source.Digest) []byte {
	return []byte(table.String() + "/" + epoch.String())
}

// checkDefinitionKey returns an error unless b is what definitionKey gives.
func checkDefinitionKey(b []byte) error {
	i := bytes.LastIndexByte(b, '/')
	if i < 0 {
		return fmt.Errorf("definition %q: want <table>/<epoch>", b)
	}
	_, tableErr := parseTable(string(b[:i]))
	_, err := source.ParseDigest(string(b[i+1:]))
	return errors.Join(tableErr, err)
}
