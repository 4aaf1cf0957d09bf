package parse

import (
	"bytes"
	"time"
)

// The layouts of a Timestamp that have names; every other layout is one of Go's time package.
const (
	// LayoutRFC3339 is YYYY-MM-DDTHH:MM:SS, optionally '.' and digits, and Z or ±HH:MM.
	LayoutRFC3339 = "rfc3339"
	// LayoutEpochS is seconds since 1970 UTC: digits after an optional '-', then optionally '.' and
	// digits.
	LayoutEpochS = "epoch_s"
	// LayoutEpochMS is milliseconds since 1970 UTC, written like LayoutEpochS.
	LayoutEpochMS = "epoch_ms"
)

// The instants of the years 0000 to 9999, the only ones that RFC 3339 can write.
const (
	minMicros = -62167219200e6
	maxMicros = 253402300800e6 - 1
)

// timeFormat is how one column writes its timestamps.
type timeFormat struct {
	layout string   // as it is written; never empty
	bare   string   // one of Go's: a mark stands for each quoted literal of layout
	quoted []string // the literals, in order
	zone   *zone    // of the text; nil when it is UTC or the text has an offset
}

// parse reads b as microseconds since 1970 UTC; finer digits are dropped. The reason is empty when
// it could, BadTimestamp when b is not of the layout or is a local time that its zone skipped, and
// OutOfRange when it is beyond the years 0000 to 9999.
func (f *timeFormat) parse(b []byte) (int64, Reason) {
	var micros int64
	ok := false
	switch f.layout {
	case LayoutRFC3339:
		micros, ok = parseRFC3339(b)
	case LayoutEpochS:
		return parseEpoch(b, 1e6)
	case LayoutEpochMS:
		return parseEpoch(b, 1e3)
	default:
		micros, ok = f.parseLayout(b)
	}
	switch {
	case !ok:
		return 0, BadTimestamp
	case micros < minMicros || micros > maxMicros: // an offset at either end
		return 0, OutOfRange
	}
	return micros, ""
}

// parseLayout is as lenient as Go's time package where that costs no meaning: a fraction may
// follow the seconds though the layout has none, and a weekday is not held against the date.
func (f *timeFormat) parseLayout(b []byte) (int64, bool) {
	t, ok := f.parseLocal(b)
	if !ok {
		return 0, false
	}
	if f.zone == nil {
		return t.UnixMicro(), true
	}
	sec, ok := f.zone.utc(t.Unix())
	return sec*1e6 + int64(t.Nanosecond()/1e3), ok
}

// parseLocal reads b without its zone.
func (f *timeFormat) parseLocal(b []byte) (time.Time, bool) {
	if len(f.quoted) > 0 {
		return f.parseQuoted(b)
	}
	t, err := time.ParseInLocation(f.bare, string(b), time.UTC)
	return t, err == nil
}

// parseEpoch reads a decimal number of units of so many microseconds (a power of ten).
func parseEpoch(b []byte, unit int64) (int64, Reason) {
	whole, fraction, point := bytes.Cut(b, []byte("."))
	digits := bytes.TrimPrefix(whole, []byte("-"))
	if countDigits(digits) != len(digits) || len(digits) == 0 ||
		point && (len(fraction) == 0 || countDigits(fraction) != len(fraction)) {
		return 0, BadTimestamp
	}
	n, ok := parseDigits(digits)
	if !ok || n > maxMicros/uint64(unit)+1 {
		return 0, OutOfRange
	}
	micros := int64(n) * unit
	for _, c := range fraction {
		unit /= 10
		micros += int64(c-'0') * unit // 0 for digits finer than a microsecond
	}
	if len(whole) != len(digits) {
		micros = -micros
	}
	if micros < minMicros || micros > maxMicros {
		return 0, OutOfRange
	}
	return micros, ""
}

// parseRFC3339 is stricter than time.Parse: two-digit hours, '.' before the fraction, and offsets
// within ±23:59.
func parseRFC3339(b []byte) (int64, bool) {
	const date, seconds = len("2006-01-02"), len("2006-01-02T15:04:05")
	if len(b) <= seconds || b[date] != 'T' {
		return 0, false
	}
	days, ok := parseDate(b[:date])
	if !ok || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	h, m, s := twoDigits(b[11:], 23), twoDigits(b[14:], 59), twoDigits(b[17:], 59)
	if h < 0 || m < 0 || s < 0 {
		return 0, false
	}
	micros := ((int64(days)*24+int64(h))*60+int64(m))*60 + int64(s)
	micros *= 1e6
	b = b[seconds:]
	if b[0] == '.' {
		n := countDigits(b[1:])
		if n == 0 {
			return 0, false
		}
		unit := int64(1e6)
		for _, c := range b[1 : 1+n] {
			unit /= 10
			micros += int64(c-'0') * unit
		}
		b = b[1+n:]
	}
	offset, ok := parseOffset(b)
	return micros - offset*1e6, ok
}

// parseOffset reads Z or ±HH:MM as seconds east of UTC.
func parseOffset(b []byte) (int64, bool) {
	if len(b) == 1 && b[0] == 'Z' {
		return 0, true
	}
	if len(b) != len("+00:00") || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	h, m := twoDigits(b[1:], 23), twoDigits(b[4:], 59)
	if h < 0 || m < 0 {
		return 0, false
	}
	offset := int64(h*60+m) * 60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// parseDate reads YYYY-MM-DD as days since 1970.
func parseDate(b []byte) (int32, bool) {
	if len(b) != len("2006-01-02") || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	century, year := twoDigits(b, 99), twoDigits(b[2:], 99)
	month, day := twoDigits(b[5:], 12), twoDigits(b[8:], 31)
	if century < 0 || year < 0 || month < 1 || day < 1 {
		return 0, false
	}
	year += century * 100
	if day > daysIn(year, month) {
		return 0, false
	}
	return daysBefore(year, month) + int32(day-1), true
}

// twoDigits reads the two digits that b begins with; it gives -1 if they are none or above limit.
func twoDigits(b []byte, limit int) int {
	tens, ones := int(b[0])-'0', int(b[1])-'0'
	if n := tens*10 + ones; tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 && n <= limit {
		return n
	}
	return -1
}

// daysIn is the number of days of a month.
func daysIn(year, month int) int {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// daysBefore is the number of days from 1970-01-01 to the first day of a month, in a calendar that
// counts years from March, so that the leap day is a year's last.
func daysBefore(year, month int) int32 {
	const toEpoch = 719468 // days from 0000-03-01 to 1970-01-01
	year += 400            // keeps the divisions below from rounding up; 400 years are whole weeks
	if month <= 2 {
		year--
		month += 12
	}
	days := year*365 + year/4 - year/100 + year/400 + (153*(month-3)+2)/5
	return int32(days - 146097 - toEpoch)
}

// Why a text is no timestamp though it looks like one of its layout.
const (
	secondSixty = "second 60: a leap second, which no instant stands for"
	skippedTime = "a local time that never was in zone "
)

// why says what is wrong with a text that parse gave BadTimestamp for, if it is not the layout: second 60,
// and a local time that clocks jumped over. It is empty otherwise.
func (f *timeFormat) why(b []byte) string {
	switch {
	case f.layout == LayoutEpochS, f.layout == LayoutEpochMS, len(b) > len(f.layout)+textSlack:
		return ""
	case f.layout != LayoutRFC3339 && f.zone != nil:
		if _, ok := f.parseLocal(b); ok { // so its zone has refused it
			return skippedTime + f.zone.loc.String() + ": clocks were put forward over it"
		}
	}
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], []byte("60"))
		if i < 0 {
			return ""
		}
		if at += i; f.isSecond(b, at) {
			return secondSixty
		}
	}
}

// isSecond says whether the two digits at at are the seconds of b, and all else is of the layout.
func (f *timeFormat) isSecond(b []byte, at int) bool {
	text := bytes.Clone(b)
	var seen [2]int64
	for i, second := range [...]string{"58", "59"} {
		copy(text[at:], second)
		var ok bool
		if f.layout == LayoutRFC3339 {
			seen[i], ok = parseRFC3339(text)
		} else if t, isOf := f.parseLocal(text); isOf {
			seen[i], ok = t.UnixMicro(), true
		}
		if !ok {
			return false
		}
	}
	return seen[1]-seen[0] == 1e6
}
