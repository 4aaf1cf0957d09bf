package table

import (
	"fmt"
	"strconv"
	"time"
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
