package parse

import "fmt"

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
