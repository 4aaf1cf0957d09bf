package parse

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"unicode/utf8"
)

// field is a compiled Column.
type field struct {
	Column
	group   int // of the pattern, if there is one
	nulls   [][]byte
	time    *timeFormat // of a Timestamp
	window  Window      // of the event time
	texts   map[string]struct{}
	numbers map[int64]struct{}
	// Bounds in the vector's own unit; wide open when the column has none.
	min, max           int64
	minFloat, maxFloat float64
	pattern            *regexp.Regexp
	detail             details
}

// details are what rejects say for a person, made once so that a reject costs no memory.
type details struct {
	missing, null, badType, below, above, window, enum, short, long, pattern string
}

// fault is why a text is no value of a column; the zero fault is none.
type fault struct {
	reason Reason
	detail string
}

// append adds the value that text says, or the fault and nothing. Text is nil when the group took
// no part.
func (f *field) append(v *Vector, text []byte) fault {
	if text == nil {
		return f.appendNull(v, f.detail.missing)
	}
	if f.isNull(text) {
		return f.appendNull(v, f.detail.null)
	}
	return f.appendText(v, text)
}

// isNull reports whether text is one that means null.
func (f *field) isNull(text []byte) bool {
	for _, null := range f.nulls {
		if bytes.Equal(text, null) {
			return true
		}
	}
	return false
}

// appendText adds the value of a text that does not mean null, or gives the fault and adds nothing.
func (f *field) appendText(v *Vector, text []byte) fault {
	switch f.Type {
	case String:
		return f.appendString(v, text)
	case IP:
		return f.appendIP(v, text)
	case Bool:
		b, ok := parseBool(text)
		if !ok {
			return fault{BadType, f.detail.badType}
		}
		v.AppendBool(b)
	case Float64:
		n, ok := parseFloat(text)
		if !ok {
			return fault{BadType, f.detail.badType}
		}
		if n < f.minFloat {
			return fault{OutOfRange, f.detail.below}
		}
		if n > f.maxFloat {
			return fault{OutOfRange, f.detail.above}
		}
		v.AppendFloat64(n)
	default:
		return f.appendInteger(v, text)
	}
	return fault{}
}

func (f *field) appendNull(v *Vector, detail string) fault {
	if !f.Optional {
		return fault{MissingField, detail}
	}
	v.AppendNull()
	return fault{}
}

// appendInteger adds a value of a type that is an integer underneath.
func (f *field) appendInteger(v *Vector, text []byte) fault {
	n, bad := f.integer(text)
	switch {
	case bad.reason != "":
		return bad
	case f.EventTime && !f.window.Contains(n):
		return fault{OutOfRange, f.detail.window}
	case n < f.min:
		return fault{OutOfRange, f.detail.below}
	case n > f.max:
		return fault{OutOfRange, f.detail.above}
	}
	if f.numbers != nil {
		if _, ok := f.numbers[n]; !ok {
			return fault{NotInSet, f.detail.enum}
		}
	}
	if f.Type == Int32 || f.Type == Date {
		v.AppendInt32(int32(n))
	} else {
		v.AppendInt64(n)
	}
	return fault{}
}

// integer reads text as the integer that stands for it in the vector.
func (f *field) integer(text []byte) (n int64, _ fault) {
	ok := false
	switch f.Type {
	case Int32:
		n, ok = parseInt(text)
		ok = ok && n >= math.MinInt32 && n <= math.MaxInt32
	case Int64:
		n, ok = parseInt(text)
	case Duration:
		n, ok = parseDuration(text)
	case Date:
		var days int32
		days, ok = parseDate(text)
		n = int64(days)
	case Timestamp:
		n, reason := f.time.parse(text)
		switch reason {
		case BadTimestamp:
			return 0, fault{reason, cmp.Or(f.time.why(text), f.detail.badType)}
		case OutOfRange:
			return 0, fault{reason, "beyond the years 0000 to 9999"}
		}
		return n, fault{}
	}
	if !ok {
		return 0, fault{BadType, f.detail.badType}
	}
	return n, fault{}
}

func (f *field) appendString(v *Vector, text []byte) fault {
	if f.texts != nil {
		if _, ok := f.texts[string(text)]; !ok {
			return fault{NotInSet, f.detail.enum}
		}
	}
	if f.MinLength > 0 || f.MaxLength > 0 {
		n := utf8.RuneCount(text)
		if n < f.MinLength {
			return fault{BadLength, f.detail.short}
		}
		if f.MaxLength > 0 && n > f.MaxLength {
			return fault{BadLength, f.detail.long}
		}
	}
	if f.pattern != nil && !f.pattern.Match(text) {
		return fault{BadPattern, f.detail.pattern}
	}
	v.AppendBytes(text)
	return fault{}
}

func (f *field) appendIP(v *Vector, text []byte) fault {
	var buf [64]byte
	ip, ok := appendCanonicalIP(buf[:0], text)
	if !ok {
		return fault{BadType, f.detail.badType}
	}
	if f.texts != nil {
		if _, ok := f.texts[string(ip)]; !ok {
			return fault{NotInSet, f.detail.enum}
		}
	}
	v.AppendBytes(ip)
	return fault{}
}

// appendCanonicalIP appends the canonical form of an address. One with a zone is refused: it means
// something on one machine only.
func appendCanonicalIP(dst, text []byte) ([]byte, bool) {
	addr, err := netip.ParseAddr(string(text))
	if err != nil || addr.Zone() != "" {
		return nil, false
	}
	return addr.AppendTo(dst), true
}

// newField compiles a column whose text is the pattern's group, if there is a pattern. It returns
// every fault it finds.
func newField(c Column, group int, window Window) (*field, []error) {
	f := &field{Column: c, group: group, window: window,
		min: math.MinInt64, max: math.MaxInt64, minFloat: math.Inf(-1), maxFloat: math.Inf(1)}
	for _, null := range c.NullValues {
		f.nulls = append(f.nulls, []byte(null))
	}
	errs := c.check()
	if len(errs) > 0 {
		return nil, errs
	}
	if c.Type == Timestamp {
		var err error
		if f.time, err = newTimeFormat(c.Layout, c.Zone); err != nil {
			return nil, []error{err}
		}
	}
	f.detail.badType = f.want()
	errs = slices.Concat(f.setEnum(), f.setBounds())
	if c.Pattern != "" {
		var err error
		if f.pattern, err = compileWhole(c.Pattern); err != nil {
			errs = append(errs, err)
		}
	}
	f.setDetails()
	return f, errs
}

// want says what a text should have been.
func (f *field) want() string {
	if f.Type != Timestamp {
		return "not of type " + f.Type.String()
	}
	return "not of layout " + f.time.layout
}

func (f *field) setDetails() {
	f.detail.missing = "the line does not have it"
	f.detail.null = "its text means null"
	f.detail.below = "below " + f.Min
	f.detail.above = "above " + f.Max
	f.detail.window = "outside the time window"
	f.detail.enum = "not in enum"
	f.detail.short = fmt.Sprintf("shorter than %d", f.MinLength)
	f.detail.long = fmt.Sprintf("longer than %d", f.MaxLength)
	f.detail.pattern = "does not match the column's pattern"
}

// setEnum converts the values allowed to what they are compared with.
func (f *field) setEnum() (errs []error) {
	for _, s := range f.Enum {
		var again bool
		switch f.Type {
		case String, IP:
			key, ok := []byte(s), true
			if f.Type == IP {
				key, ok = appendCanonicalIP(nil, key)
			}
			if !ok {
				errs = append(errs, fmt.Errorf("enum: %q: %s", s, f.detail.badType))
				continue
			}
			if f.texts == nil {
				f.texts = make(map[string]struct{})
			}
			_, again = f.texts[string(key)]
			f.texts[string(key)] = struct{}{}
		default:
			n, bad := f.integer([]byte(s))
			if bad.reason != "" {
				errs = append(errs, fmt.Errorf("enum: %q: %s", s, bad.detail))
				continue
			}
			if f.numbers == nil {
				f.numbers = make(map[int64]struct{})
			}
			_, again = f.numbers[n]
			f.numbers[n] = struct{}{}
		}
		if again {
			errs = append(errs, fmt.Errorf("enum: %q is listed twice", s))
		}
	}
	return errs
}

// setBounds converts Min and Max.
func (f *field) setBounds() (errs []error) {
	for _, b := range []struct {
		name, text string
		bound      *int64
		float      *float64
	}{{"min", f.Min, &f.min, &f.minFloat}, {"max", f.Max, &f.max, &f.maxFloat}} {
		if b.text == "" {
			continue
		}
		if f.Type == Float64 {
			n, ok := parseFloat([]byte(b.text))
			if !ok {
				errs = append(errs, fmt.Errorf("%s: %q: %s", b.name, b.text, f.detail.badType))
			}
			*b.float = n
			continue
		}
		n, bad := f.integer([]byte(b.text))
		if bad.reason != "" {
			errs = append(errs, fmt.Errorf("%s: %q: %s", b.name, b.text, bad.detail))
		}
		*b.bound = n
	}
	if len(errs) == 0 && (f.min > f.max || f.minFloat > f.maxFloat) {
		errs = append(errs, fmt.Errorf("min %s is above max %s", f.Min, f.Max))
	}
	return errs
}
