package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A scanner takes known fields out of one JSON object, in their order. It keeps the first error;
// after one every call gives a zero value.
type scanner struct {
	fields []field
	at     int // fields before it are taken or were passed over as unknown
	err    error
}

type field struct {
	name string
	raw  json.RawMessage
}

// scanDocument reads a whole stored document: one canonical object and its newline.
func scanDocument(body []byte) *scanner {
	var compact bytes.Buffer
	if !utf8.Valid(body) {
		return &scanner{err: errors.New("not valid UTF-8")}
	}
	if err := json.Compact(&compact, body); err != nil {
		return &scanner{err: fmt.Errorf("not JSON: %w", err)}
	}
	compact.WriteByte('\n')
	if !bytes.Equal(compact.Bytes(), body) {
		return &scanner{err: errors.New("not canonical: spaces, or not one final newline")}
	}
	return scanObject(body)
}

// scanObject reads the fields of one object. A name that stands twice is an error.
func scanObject(raw []byte) *scanner {
	s := &scanner{}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return &scanner{err: errors.New("not a JSON object")}
	}
	names := map[string]bool{}
	for d.More() {
		from := d.InputOffset()
		t, err := d.Token()
		if err != nil {
			return &scanner{err: fmt.Errorf("not JSON: %w", err)}
		}
		f := field{name: t.(string)} // the decoder allows nothing else here
		spelling := bytes.TrimPrefix(raw[from:d.InputOffset()], []byte(","))
		if !bytes.Equal(appendString(nil, f.name), spelling) {
			return &scanner{err: fmt.Errorf("field %q: not in its one spelling", f.name)}
		}
		if err := d.Decode(&f.raw); err != nil {
			return &scanner{err: fmt.Errorf("field %q: %w", f.name, err)}
		}
		if names[f.name] {
			return &scanner{err: fmt.Errorf("field %q stands twice", f.name)}
		}
		names[f.name] = true
		s.fields = append(s.fields, f)
	}
	if _, err := d.Token(); err != nil {
		return &scanner{err: fmt.Errorf("not JSON: %w", err)}
	}
	if _, err := d.Token(); err != io.EOF {
		return &scanner{err: errors.New("more than one JSON value")}
	}
	return s
}

func (s *scanner) fail(name string, err error) {
	if s.err == nil {
		s.err = fmt.Errorf("field %q: %w", name, err)
	}
}

// find gives the index of a field at or after the last one taken, or -1.
func (s *scanner) find(name string) int {
	i := slices.IndexFunc(s.fields[s.at:], func(f field) bool { return f.name == name })
	if i < 0 {
		return -1
	}
	return s.at + i
}

// has reports whether a field that may be left out is there.
func (s *scanner) has(name string) bool { return s.err == nil && s.find(name) >= 0 }

// raw takes a field. It gives nil after an error.
func (s *scanner) raw(name string) json.RawMessage {
	if s.err != nil {
		return nil
	}
	i := s.find(name)
	if i < 0 {
		s.fail(name, errors.New("missing, or not in its place"))
		return nil
	}
	s.at = i + 1
	return s.fields[i].raw
}

// orNull takes a field and reports whether it holds a value.
func (s *scanner) orNull(name string) (json.RawMessage, bool) {
	raw := s.raw(name)
	return raw, raw != nil && string(raw) != "null"
}

// null takes a field that must be null.
func (s *scanner) null(name string) {
	if raw, ok := s.orNull(name); ok {
		s.fail(name, fmt.Errorf("want null, have %s", clip(raw)))
	}
}

func (s *scanner) str(name string) string { return s.parseStr(name, s.raw(name)) }

func (s *scanner) parseStr(name string, raw json.RawMessage) string {
	if raw == nil {
		return ""
	}
	var v string
	if err := json.Unmarshal(raw, &v); err != nil || raw[0] != '"' {
		s.fail(name, fmt.Errorf("want a string, have %s", clip(raw)))
		return ""
	}
	if !bytes.Equal(appendString(nil, v), raw) {
		s.fail(name, fmt.Errorf("want only the escapes that JSON demands, have %s", clip(raw)))
		return ""
	}
	return v
}

func (s *scanner) strOrNull(name string) string {
	raw, ok := s.orNull(name)
	if !ok {
		return ""
	}
	v := s.parseStr(name, raw)
	if v == "" {
		s.fail(name, errors.New("want null for none, have an empty string"))
	}
	return v
}

func (s *scanner) int(name string) int64 { return s.parseInt(name, s.raw(name)) }

func (s *scanner) parseInt(name string, raw json.RawMessage) int64 {
	if raw == nil {
		return 0
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != string(raw) {
		s.fail(name, fmt.Errorf("want an integer of 64 bits, have %s", clip(raw)))
		return 0
	}
	return v
}

func (s *scanner) intOrNull(name string) *int64 {
	raw, ok := s.orNull(name)
	if !ok {
		return nil
	}
	v := s.parseInt(name, raw)
	return &v
}

func (s *scanner) uint(name string) uint64 {
	raw := s.raw(name)
	if raw == nil {
		return 0
	}
	v, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil || strconv.FormatUint(v, 10) != string(raw) {
		s.fail(name, fmt.Errorf("want a natural number of 64 bits, have %s", clip(raw)))
		return 0
	}
	return v
}

func (s *scanner) bool(name string) bool {
	switch raw := s.raw(name); {
	case raw == nil:
	case string(raw) == "true":
		return true
	case string(raw) != "false":
		s.fail(name, fmt.Errorf("want true or false, have %s", clip(raw)))
	}
	return false
}

func (s *scanner) timeOrNull(name string) *int64 {
	raw, ok := s.orNull(name)
	if !ok {
		return nil
	}
	v := s.parseTime(name, raw)
	return &v
}

func (s *scanner) time(name string) int64 { return s.parseTime(name, s.raw(name)) }

func (s *scanner) parseTime(name string, raw json.RawMessage) int64 {
	if raw == nil {
		return 0
	}
	v, err := parseTime(s.parseStr(name, raw))
	if err != nil {
		s.fail(name, err)
	}
	return v
}

// array takes a field that holds an array and gives its elements.
func (s *scanner) array(name string) []json.RawMessage {
	raw := s.raw(name)
	if raw == nil {
		return nil
	}
	var v []json.RawMessage
	if err := json.Unmarshal(raw, &v); err != nil || raw[0] != '[' {
		s.fail(name, fmt.Errorf("want an array, have %s", clip(raw)))
		return nil
	}
	return v
}

func (s *scanner) strs(name string) []string {
	var vs []string
	for _, raw := range s.array(name) {
		vs = append(vs, s.parseStr(name, raw))
	}
	return vs
}

// scanText takes a field whose type has a strict text form.
func scanText[T any](s *scanner, name string, parse func(string) (T, error)) T {
	var zero T
	text := s.str(name)
	if s.err != nil {
		return zero
	}
	v, err := parse(text)
	if err != nil {
		s.fail(name, err)
		return zero
	}
	return v
}

// scanTextOrNull is scanText for a field that may be null.
func scanTextOrNull[T any](s *scanner, name string, parse func(string) (T, error)) *T {
	raw, ok := s.orNull(name)
	if !ok {
		return nil
	}
	text := s.parseStr(name, raw)
	if s.err != nil {
		return nil
	}
	v, err := parse(text)
	if err != nil {
		s.fail(name, err)
		return nil
	}
	return &v
}

// clip shortens a value for an error.
func clip(raw []byte) string {
	const max = 60
	if len(raw) <= max {
		return string(raw)
	}
	return string(raw[:max]) + "…"
}
