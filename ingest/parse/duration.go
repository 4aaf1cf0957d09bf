package parse

import (
	"math"
	"math/bits"
)

// parseDuration reads a duration as time.ParseDuration does, in nanoseconds, but refuses one that
// is no whole number of them: time.ParseDuration drops the rest in silence.
func parseDuration(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	if string(b) == "0" {
		return 0, true
	}
	if len(b) == 0 {
		return 0, false
	}
	var sum uint64
	for len(b) > 0 {
		part, n := durationPart(b)
		if n == 0 || part > 1<<63-sum {
			return 0, false
		}
		sum += part
		b = b[n:]
	}
	if negative {
		return -int64(sum), true // of 1<<63 it is MinInt64, as it should be
	}
	return int64(sum), sum <= math.MaxInt64
}

// durationPart reads a number and its unit from the start of b. It gives the nanoseconds, less
// than 1<<64 though maybe too many, and the length of the text, 0 if there is none.
func durationPart(b []byte) (ns uint64, n int) {
	digits := countDigits(b)
	n = digits
	var fraction []byte
	if n < len(b) && b[n] == '.' {
		fraction = b[n+1:][:countDigits(b[n+1:])]
		n += 1 + len(fraction)
	}
	if digits+len(fraction) == 0 {
		return 0, 0
	}
	unit, size := durationUnit(b[n:])
	if unit == 0 {
		return 0, 0
	}
	var whole uint64
	if digits > 0 {
		var ok bool
		if whole, ok = parseDigits(b[:digits]); !ok {
			return 0, 0
		}
	}
	high, ns := bits.Mul64(whole, unit)
	rest, ok := fractionOf(unit, fraction)
	if high != 0 || !ok || ns > 1<<63 {
		return 0, 0
	}
	return ns + rest, n + size
}

// fractionOf gives 0.<fraction> of unit if that is a whole number.
func fractionOf(unit uint64, fraction []byte) (uint64, bool) {
	for len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if len(fraction) == 0 {
		return 0, true
	}
	// A unit divides by no power of ten beyond 10^13 even with a factor of 2 or 5 from the digits:
	// an hour is 2^13 * 3^2 * 5^11 ns.
	if len(fraction) > 13 {
		return 0, false
	}
	digits, ok := parseDigits(fraction)
	scale := uint64(1)
	for range fraction {
		scale *= 10
	}
	high, low := bits.Mul64(digits, unit)
	if !ok || high >= scale {
		return 0, false
	}
	value, remainder := bits.Div64(high, low, scale)
	return value, remainder == 0
}

// durationUnit reads the unit that b begins with. It ends before the next number.
func durationUnit(b []byte) (ns uint64, size int) {
	for size < len(b) && b[size] != '.' && (b[size] < '0' || b[size] > '9') {
		size++
	}
	switch string(b[:size]) {
	case "ns":
		return 1, size
	case "us", "µs", "μs": // U+00B5 and U+03BC
		return 1e3, size
	case "ms":
		return 1e6, size
	case "s":
		return 1e9, size
	case "m":
		return 60e9, size
	case "h":
		return 3600e9, size
	}
	return 0, 0
}
