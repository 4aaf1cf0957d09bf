package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/parquet/metadata"

	"logseal/ingest/parse"
)

// maxBound is the longest text that is written as the least or greatest value of a column chunk.
// If one of the two is longer, both are left out: a bound cut short would be a value that is not
// there, which some readers take for the true one.
const maxBound = 128

// chunkStatistics gives the null count and the bounds of a column chunk. rows are where its
// distinct values are, nil for all rows. Binary columns and floats with a NaN have no bounds.
func chunkStatistics(col Column, v *parse.Vector, rows []int32) metadata.EncodedStatistics {
	var s metadata.EncodedStatistics
	s.SetNullCount(nullCount(v))
	if col.Binary {
		return s
	}
	if v.Type == parse.Float64 {
		for _, f := range v.Float64s {
			if math.IsNaN(f) {
				return s
			}
		}
	}
	lo, hi := bounds(v, rows, order(v))
	if lo < 0 {
		return s
	}
	least, greatest := boundBytes(v, lo), boundBytes(v, hi)
	if v.Type == parse.Float64 {
		least, greatest = zeroBounds(least, greatest)
	}
	if len(least) <= maxBound && len(greatest) <= maxBound {
		s.SetMin(least).SetMax(greatest)
	}
	return s
}

func nullCount(v *parse.Vector) (n int64) {
	for _, isNull := range v.Null {
		if isNull {
			n++
		}
	}
	return n
}

// order compares two rows of v that are not null.
func order(v *parse.Vector) func(i, j int) int {
	switch v.Type {
	case parse.String, parse.IP:
		return func(i, j int) int { return bytes.Compare(v.Value(i), v.Value(j)) }
	case parse.Int32, parse.Date:
		return func(i, j int) int { return cmp.Compare(v.Int32s[i], v.Int32s[j]) }
	case parse.Float64:
		return func(i, j int) int { return cmp.Compare(v.Float64s[i], v.Float64s[j]) }
	case parse.Bool:
		return func(i, j int) int { return cmp.Compare(boolByte(v.Bools[i]), boolByte(v.Bools[j])) }
	default:
		return func(i, j int) int { return cmp.Compare(v.Int64s[i], v.Int64s[j]) }
	}
}

// bounds gives a row of the least and one of the greatest value, -1 when all are null.
func bounds(v *parse.Vector, rows []int32, compare func(i, j int) int) (lo, hi int) {
	lo, hi = -1, -1
	look := func(i int) {
		switch {
		case lo < 0:
			lo, hi = i, i
		case compare(i, lo) < 0:
			lo = i
		case compare(i, hi) > 0:
			hi = i
		}
	}
	for _, row := range rows {
		look(int(row))
	}
	if rows != nil {
		return lo, hi
	}
	for i, n := 0, v.Len(); i < n; i++ {
		if !v.IsNull(i) {
			look(i)
		}
	}
	return lo, hi
}

// boundBytes is row i as statistics hold it: as in a page, texts without their length. It is a
// copy: statistics are kept until the file ends, the vector is not.
func boundBytes(v *parse.Vector, i int) []byte {
	switch v.Type {
	case parse.String, parse.IP:
		return bytes.Clone(v.Value(i))
	case parse.Int32, parse.Date:
		return binary.LittleEndian.AppendUint32(nil, uint32(v.Int32s[i]))
	case parse.Float64:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v.Float64s[i]))
	case parse.Bool:
		return []byte{boolByte(v.Bools[i])}
	default:
		return binary.LittleEndian.AppendUint64(nil, uint64(v.Int64s[i]))
	}
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// zeroBounds lets a least zero be negative and a greatest one positive, as Parquet asks, because
// the two zeros are equal but stand apart in the order of some readers.
func zeroBounds(least, greatest []byte) ([]byte, []byte) {
	const negativeZero = 1 << 63
	if binary.LittleEndian.Uint64(least)&^negativeZero == 0 {
		binary.LittleEndian.PutUint64(least, negativeZero)
	}
	if binary.LittleEndian.Uint64(greatest)&^negativeZero == 0 {
		binary.LittleEndian.PutUint64(greatest, 0)
	}
	return least, greatest
}
