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
	Lower        []source.ID   `json:"lower,omitempty"`
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

type storedEnd struct {
	Chain source.Digest `json:"chain"`
}

type storedFile struct {
	State     FileState `json:"state"`
	Source    string    `json:"source"`
	Offset    int64     `json:"offset"`
	Duplicate bool      `json:"duplicate"`
	K         uint64    `json:"k,omitempty"`
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
		K: s.K, Path: text(s.Path), File: s.File, Marker: s.Marker, Sealed: s.Sealed,
		Shipped: s.Shipped, LastStart: s.LastStart, Highest: s.Highest, OpenEnd: s.OpenEnd,
		Outbox: make([]storedEntry, len(s.Outbox)), LowerRefuted: s.LowerRefuted,
		Lower:   s.Lower,
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
	s := &Source{
		K: w.K, Path: string(w.Path), File: w.File, Marker: w.Marker, Sealed: w.Sealed,
		Shipped: w.Shipped, LastStart: w.LastStart, Highest: w.Highest, OpenEnd: w.OpenEnd,
		LowerRefuted: w.LowerRefuted, Lower: w.Lower, Barrier: w.Barrier,
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

// decodeEnd reads an end. There are more of them than of all else, so one as it is written takes a
// short way.
func decodeEnd(b []byte) (source.Digest, error) {
	const open, shut = `{"chain":"`, `"}`
	if n := len(open) + 2*len(source.Digest{}); len(b) == n+len(shut) &&
		string(b[:len(open)]) == open && string(b[n:]) == shut {
		return source.ParseDigest(string(b[len(open):n]))
	}
	var e storedEnd
	err := decode(b, &e)
	return e.Chain, err
}

func encodeFile(f FileRecord) ([]byte, error) {
	return encode(storedFile{f.State, f.Key.String(), f.Offset, f.Duplicate, f.K})
}

func decodeFile(path string, b []byte) (FileRecord, error) {
	var w storedFile
	if err := decode(b, &w); err != nil {
		return FileRecord{}, err
	}
	key, err := parseKey(w.Source)
	if err != nil {
		return FileRecord{}, err
	}
	return FileRecord{path, w.State, key, w.Offset, w.Duplicate, w.K}, nil
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
	if err := source.CheckName(p[0]); err != nil {
		return bad(err)
	}
	version, err := strconv.Atoi(strings.TrimPrefix(p[1], "v"))
	if err != nil {
		return bad(err)
	}
	id, err := source.ParseID(p[3])
	if err != nil {
		return bad(err)
	}
	key := source.Key{Table: source.Table{Stream: p[0], Version: version}, ID: id}
	if p[2] != source.NoOrigin {
		if err := source.CheckName(p[2]); err != nil {
			return bad(err)
		}
		key.Origin = p[2]
	}
	if key.String() != s {
		return bad(errors.New("it is not in its canonical form"))
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
