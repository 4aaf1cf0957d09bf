package source

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// Range is the half-open byte range [Start, End) of one source, at record boundaries.
type Range struct {
	Start int64
	End   int64
}

// Len is the number of bytes in r.
func (r Range) Len() int64 { return r.End - r.Start }

// String prints r as [start, end) in decimal, for people.
func (r Range) String() string { return fmt.Sprintf("[%d, %d)", r.Start, r.End) }

// Name is the text form used in keys: two offsets of 16 hex digits joined by a dash.
func (r Range) Name() string { return OffsetName(r.Start) + "-" + OffsetName(r.End) }

// ParseRange reads the form that Name gives. An empty or inverted range is an error.
func ParseRange(s string) (Range, error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		return Range{}, fmt.Errorf("range %q: want <start>-<end>", s)
	}
	start, err := ParseOffset(a)
	if err != nil {
		return Range{}, err
	}
	end, err := ParseOffset(b)
	if err != nil {
		return Range{}, err
	}
	if start >= end {
		return Range{}, fmt.Errorf("range %q: end is not after start", s)
	}
	return Range{start, end}, nil
}

// OffsetName gives off as 16 lower-case hex digits; names sort as offsets do.
func OffsetName(off int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(off))
	return hex.EncodeToString(b[:])
}

// ParseOffset reads the form that OffsetName gives.
func ParseOffset(s string) (int64, error) {
	var b [8]byte
	if err := parseHex(b[:], s); err != nil {
		return 0, fmt.Errorf("offset %q: %w", s, err)
	}
	n := binary.BigEndian.Uint64(b[:])
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("offset %q: out of range", s)
	}
	return int64(n), nil
}
