package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"logseal/ingest/parse"
)

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
}

// ParseSize reads a number of bytes from 1 on: 64MiB, 10GB, 500, 1.5GiB.
func ParseSize(s string) (int64, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if strings.ContainsAny(digits, "xXpPeEiInN_+-") || err != nil {
			break
		}
		if n *= float64(u.bytes); n != math.Trunc(n) || n < 1 || n >= 1<<62 {
			break
		}
		return int64(n), nil
	}
	return 0, fmt.Errorf("%q: want a size of at least one byte, like 64MiB, 10GB or 500B", s)
}

// sizeBetween gives a parser of sizes from lo to hi.
func sizeBetween(lo, hi int64) func(string) (int64, error) {
	return func(s string) (int64, error) {
		n, err := ParseSize(s)
		if err == nil && (n < lo || n > hi) {
			err = fmt.Errorf("%q: want a size from %s to %s", s, sizeText(lo), sizeText(hi))
		}
		return n, err
	}
}

// sizeFrom gives a parser of sizes from lo on; why is said of a smaller one.
func sizeFrom(lo int64, why string) func(string) (int64, error) {
	return func(s string) (int64, error) {
		n, err := ParseSize(s)
		if err == nil && n < lo {
			err = fmt.Errorf("%q: want at least %s: %s", s, sizeText(lo), why)
		}
		return n, err
	}
}

// sizeText writes n so that parseSize reads it back exactly.
func sizeText(n int64) string {
	for i := 3; i >= 0; i-- {
		if u := sizeUnits[i]; n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}

// durationBetween gives a parser of durations from lo to hi: 30s, 5m, 1h30m.
func durationBetween(lo, hi time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		v, err := time.ParseDuration(s)
		if err != nil || v < lo || v > hi {
			return 0, fmt.Errorf("%q: want a duration from %s to %s, like 30s, 5m or 1h30m", s,
				DurationText(lo), DurationText(hi))
		}
		return v, nil
	}
}

// DurationText writes v without the units that are zero at its end: 1h, not 1h0m0s.
func DurationText(v time.Duration) string {
	s := v.String()
	for _, zero := range []struct{ end, by string }{{"m0s", "m"}, {"h0m", "h"}} {
		if rest, ok := strings.CutSuffix(s, zero.end); ok {
			s = rest + zero.by
		}
	}
	return s
}

const (
	day = 24 * time.Hour
	// retentionMaxDays is a hundred years.
	retentionMaxDays = 36500
)

// parseRetention reads a duration above zero that may have days: 90d, 36h, 1d12h.
func parseRetention(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q: want a duration above zero, like 90d or 36h, of at most %dd", s,
		retentionMaxDays)
	var v time.Duration
	rest := s
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > retentionMaxDays {
			return 0, wrong
		}
		v, rest = time.Duration(n)*day, after
	}
	if rest != "" || v == 0 {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 {
			return 0, wrong
		}
		v += more
	}
	if v <= 0 || v > retentionMaxDays*day {
		return 0, wrong
	}
	return v, nil
}

func parseRatio(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, fmt.Errorf("%q: want a number from 0 to 1", s)
	}
	return v, nil
}

// parseWindow reads the half-open range of event times that from and to bound.
func parseWindow(from, to string) (parse.Window, error) {
	a, err := parseInstant(from)
	if err != nil {
		return parse.Window{}, err
	}
	b, err := parseInstant(to)
	if err != nil {
		return parse.Window{}, err
	}
	if !a.Before(b) {
		return parse.Window{}, fmt.Errorf("%s is not before %s", from, to)
	}
	return parse.Window{From: a.UnixMicro(), To: b.UnixMicro()}, nil
}

// parseInstant reads a day, which is its first instant in UTC, or an RFC 3339 time.
func parseInstant(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && inYears(t.UTC()) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: want a day like 1990-01-01 or an RFC 3339 time", s)
}

// inYears reports whether t can be written with a year of four digits.
func inYears(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }
