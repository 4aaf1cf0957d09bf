package parse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Column is a typed column with its constraints. Text fields (NullValues, Enum, Min, Max) are
// written as the column's own text is.
type Column struct {
	Name string `json:"name"`
	Type Type   `json:"type"`

	// Key is where the value stands in a line that is JSON: the name of a member or, with dots
	// between them, those of the objects that it lies in and its own. A dot that is part of a name
	// is written \. and a backslash \\. The default is Name, read the same way.
	Key string `json:"key,omitempty"`

	// Layout is how a Timestamp is written: rfc3339 (the default), epoch_s, epoch_ms or a layout of
	// Go's time package that holds at least the year and the day.
	Layout string `json:"layout,omitempty"`
	// Zone is where a layout without a UTC offset is: an IANA name or ±HH:MM; default UTC.
	Zone string `json:"zone,omitempty"`
	// EventTime marks the Timestamp that decides a row's partition; at most one column has it.
	EventTime bool `json:"event_time,omitempty"`

	// Optional allows null: the group took no part or the member is absent or null, or the text is
	// one of NullValues.
	Optional   bool     `json:"optional,omitempty"`
	NullValues []string `json:"null_values,omitempty"`

	// Enum lists the only values allowed, of a String, Int32, Int64 or IP.
	Enum []string `json:"enum,omitempty"`
	// Min and Max are inclusive bounds of an Int32, Int64, Float64, Timestamp, Date or Duration.
	Min string `json:"min,omitempty"`
	Max string `json:"max,omitempty"`
	// MinLength and MaxLength are inclusive bounds of a String in characters (code points); 0 is
	// no bound.
	MinLength int `json:"min_length,omitempty"`
	MaxLength int `json:"max_length,omitempty"`
	// Pattern must match a String as a whole.
	Pattern string `json:"pattern,omitempty"`
}

// check returns what is wrong with c by itself, texts in its own type apart.
func (c *Column) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if int(c.Type) >= len(typeNames) {
		bad("there is no type %d", uint8(c.Type))
	}
	if c.Type != Timestamp && (c.Layout != "" || c.Zone != "" || c.EventTime) {
		bad("layout, zone and event_time are for timestamps, not for %v", c.Type)
	}
	if c.EventTime && c.Optional {
		bad("the event time decides the partition and cannot be optional")
	}
	switch c.Type {
	case String, Int32, Int64, IP:
	default:
		if len(c.Enum) > 0 {
			bad("enum is for string, int32, int64 and ip, not for %v", c.Type)
		}
	}
	switch c.Type {
	case String, Bool, IP:
		if c.Min != "" || c.Max != "" {
			bad("min and max are for numbers, timestamps, dates and durations, not for %v", c.Type)
		}
	}
	if c.Type != String && (c.MinLength != 0 || c.MaxLength != 0 || c.Pattern != "") {
		bad("min_length, max_length and pattern are for strings, not for %v", c.Type)
	}
	if c.MinLength < 0 || c.MaxLength < 0 {
		bad("min_length and max_length are counts of characters, not negative")
	}
	if c.MaxLength > 0 && c.MinLength > c.MaxLength {
		bad("min_length %d is above max_length %d", c.MinLength, c.MaxLength)
	}
	return append(errs, c.checkTexts()...)
}

// checkTexts refuses texts that no line can hold or that say the same twice.
func (c *Column) checkTexts() (errs []error) {
	for _, list := range []struct {
		name  string
		texts []string
	}{{"null_values", c.NullValues}, {"enum", c.Enum}} {
		for i, s := range list.texts {
			if !utf8.ValidString(s) {
				errs = append(errs, fmt.Errorf("%s: %q is not UTF-8", list.name, s))
			}
			if slices.Contains(list.texts[:i], s) {
				errs = append(errs, fmt.Errorf("%s: %q is listed twice", list.name, s))
			}
		}
	}
	return errs
}

// checkName returns an error unless s may name a column: dt, hour and names with a leading '_' are
// taken, in any case, by partitions and by the columns that every table has.
func checkName(s string) error {
	switch {
	case s == "":
		return errors.New("a column needs a name")
	case s[0] == '_':
		return errors.New("names with a leading _ are taken by Logseal's own columns")
	case strings.EqualFold(s, "dt") || strings.EqualFold(s, "hour"):
		return errors.New("the name is taken by a partition key")
	}
	return nil
}

// Type is what a column holds. Package parse's text for each is strict; see the constants.
type Type uint8

const (
	// String is the text as it stands: valid UTF-8, NUL included, unescaped only where it is a JSON
	// string.
	String Type = iota
	// Int32 is decimal digits after an optional '-'. Leading zeros are fine: 007 is 7.
	Int32
	// Int64 is written like Int32.
	Int64
	// Float64 is digits after an optional '-', then optionally '.' and digits, then optionally an
	// exponent: the nearest float64. NaN, infinities and what would overflow to one are refused.
	Float64
	// Bool is exactly true or false.
	Bool
	// Timestamp is an instant in microseconds; the column's Layout says how it is written. Finer
	// digits are dropped, the one narrowing there is.
	Timestamp
	// Date is YYYY-MM-DD, a day of the Gregorian calendar in the years 0000 to 9999.
	Date
	// IP is an IPv4 or IPv6 address without zone, kept in the canonical form of net/netip.
	IP
	// Duration is written as Go writes it (1h2m3.5s, -250ms, 0) and a whole number of nanoseconds.
	Duration
)

var typeNames = [...]string{
	String: "string", Int32: "int32", Int64: "int64", Float64: "float64", Bool: "bool",
	Timestamp: "timestamp", Date: "date", IP: "ip", Duration: "duration",
}

// ParseType reads the name of a type.
func ParseType(name string) (Type, error) {
	for t, s := range typeNames {
		if s == name {
			return Type(t), nil
		}
	}
	return 0, fmt.Errorf("type %q: want one of string, int32, int64, float64, bool, timestamp, "+
		"date, ip, duration", name)
}

// String gives the name that schemas use.
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
	return typeNames[t]
}

// MarshalText implements encoding.TextMarshaler.
func (t Type) MarshalText() ([]byte, error) {
	if int(t) >= len(typeNames) {
		return nil, fmt.Errorf("marshal %v: no such type", t)
	}
	return []byte(typeNames[t]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseType.
func (t *Type) UnmarshalText(b []byte) (err error) {
	*t, err = ParseType(string(b))
	return err
}
