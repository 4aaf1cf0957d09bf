package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// A printer appends canonical JSON: values and fields in the order of the calls.
type printer struct {
	b    []byte
	next bool // the next value of this object or array needs a comma
}

func (p *printer) open(c byte) {
	p.b = append(p.b, c)
	p.next = false
}

func (p *printer) close(c byte) {
	p.b = append(p.b, c)
	p.next = true
}

func (p *printer) comma() {
	if p.next {
		p.b = append(p.b, ',')
	}
	p.next = true
}

// name begins a field; its value must be appended next.
func (p *printer) name(name string) {
	p.comma()
	p.b = appendString(p.b, name)
	p.b = append(p.b, ':')
}

func (p *printer) str(name, v string) {
	p.name(name)
	p.b = appendString(p.b, v)
}

func (p *printer) strOrNull(name, v string) {
	if v == "" {
		p.null(name)
		return
	}
	p.str(name, v)
}

func (p *printer) text(name string, v fmt.Stringer) { p.str(name, v.String()) }

func (p *printer) int(name string, v int64) {
	p.name(name)
	p.b = strconv.AppendInt(p.b, v, 10)
}

func (p *printer) intOrNull(name string, v *int64) {
	if v == nil {
		p.null(name)
		return
	}
	p.int(name, *v)
}

func (p *printer) uint(name string, v uint64) {
	p.name(name)
	p.b = strconv.AppendUint(p.b, v, 10)
}

func (p *printer) bool(name string, v bool) {
	p.name(name)
	p.b = strconv.AppendBool(p.b, v)
}

func (p *printer) null(name string) {
	p.name(name)
	p.b = append(p.b, "null"...)
}

func (p *printer) strs(name string, vs []string) {
	p.name(name)
	p.open('[')
	for _, v := range vs {
		p.comma()
		p.b = appendString(p.b, v)
	}
	p.close(']')
}

func (p *printer) timeOrNull(name string, micros *int64) {
	if micros == nil {
		p.null(name)
		return
	}
	p.str(name, formatTime(*micros))
}

// appendString appends s as a JSON string with only the escapes that JSON demands: the quote, the
// backslash and the control characters, these in their short form where there is one. s must be
// valid UTF-8: everything that is printed has been validated.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x20:
			b = append(b, c)
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(b, '"')
}

// timeLayout is RFC 3339 in UTC with six fraction digits.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// The times that timeLayout can hold: the years 0 to 9999.
var (
	minMicros = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	maxMicros = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

func formatTime(micros int64) string { return time.UnixMicro(micros).UTC().Format(timeLayout) }

func parseTime(s string) (int64, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil || formatTime(t.UnixMicro()) != s {
		return 0, fmt.Errorf("time %q: want RFC 3339 in UTC with six fraction digits", s)
	}
	return t.UnixMicro(), nil
}

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

// has tells whether a field that may be left out is there.
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
	v, err := parseTime(s.parseStr(name, raw))
	if err != nil {
		s.fail(name, err)
	}
	return &v
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
