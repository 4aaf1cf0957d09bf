package parquet

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// This file holds the Parquet encodings that the encoder uses. They are our own, because arrow's
// decide by how values are handed over, and because what they give is part of the format: the
// bytes must not change with a library.

// bitPacker appends numbers of few bits, the lowest bits first.
type bitPacker struct {
	dst  []byte
	acc  uint64
	used uint // bits in acc, less than 8 between calls
}

// put appends the low width bits of v, which has no others.
func (p *bitPacker) put(v uint64, width uint) {
	if width > 32 {
		p.put(v&math.MaxUint32, 32)
		v, width = v>>32, width-32
	}
	p.acc |= v << p.used
	p.used += width
	for p.used >= 8 {
		p.dst = append(p.dst, byte(p.acc))
		p.acc >>= 8
		p.used -= 8
	}
}

// minRun is the least number of equal values that are a run of their own.
const minRun = 8

// appendHybrid appends values of width bits in the hybrid of run lengths and bit packing: runs of
// eight or more equal values, and between them groups of eight packed ones. The last group is
// filled up with zeros.
func appendHybrid(dst []byte, values []uint32, width uint) []byte {
	for i := 0; i < len(values); {
		if n := runLength(values[i:]); n >= minRun {
			dst = binary.AppendUvarint(dst, uint64(n)<<1)
			for b := uint(0); b < width; b += 8 {
				dst = append(dst, byte(values[i]>>b))
			}
			i += n
			continue
		}
		j := i + minRun
		for j < len(values) && !startsRun(values[j:]) {
			j += minRun
		}
		groups := (j - i) / minRun
		dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
		p := bitPacker{dst: dst}
		for _, v := range values[i:min(j, len(values))] {
			p.put(uint64(v), width)
		}
		for k := len(values); k < j; k++ {
			p.put(0, width)
		}
		dst = p.dst
		i = min(j, len(values))
	}
	return dst
}

// runLength is the number of values equal to the first.
func runLength(values []uint32) int {
	for i, v := range values {
		if v != values[0] {
			return i
		}
	}
	return len(values)
}

// startsRun reports whether the values begin with a run.
func startsRun(values []uint32) bool {
	return len(values) >= minRun && runLength(values[:minRun]) == minRun
}

// appendRun appends n times v as one run.
func appendRun(dst []byte, v uint32, n int, width uint) []byte {
	dst = binary.AppendUvarint(dst, uint64(n)<<1)
	for b := uint(0); b < width; b += 8 {
		dst = append(dst, byte(v>>b))
	}
	return dst
}

// appendLevels appends the definition levels of n values of an optional column, after their size
// as data pages of version 1 have it. null may be nil. scratch is used and given back.
func appendLevels(dst []byte, null []bool, n int, scratch []uint32) ([]byte, []uint32) {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	if null == nil {
		dst = appendRun(dst, 1, n, 1)
	} else {
		scratch = scratch[:0]
		for _, isNull := range null {
			level := uint32(1)
			if isNull {
				level = 0
			}
			scratch = append(scratch, level)
		}
		dst = appendHybrid(dst, scratch, 1)
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst, scratch
}

// The shape of delta packing: blocks of 128 deltas, each of four groups with a width of its own.
const (
	deltaBlock  = 128
	deltaGroups = 4
	deltaGroup  = deltaBlock / deltaGroups
)

// appendDelta appends values delta packed. Differences wrap around in the type's own width, so
// that no group of 32-bit values is wider than 32 bits.
func appendDelta[T int32 | int64](dst []byte, values []T) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaGroups)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	if len(values) == 0 {
		return binary.AppendVarint(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(values[0]))
	var deltas [deltaBlock]T
	last := values[0]
	for rest := values[1:]; len(rest) > 0; {
		n := min(len(rest), deltaBlock)
		for i, v := range rest[:n] {
			deltas[i] = v - last
			last = v
		}
		dst = appendDeltaBlock(dst, deltas[:n])
		rest = rest[n:]
	}
	return dst
}

// appendDeltaBlock appends the least delta, the width of each group, and by how much the deltas
// are above the least. A group that is not full is filled up with zeros, and one without deltas
// is left out but for its width 0.
func appendDeltaBlock[T int32 | int64](dst []byte, deltas []T) []byte {
	least := deltas[0]
	for _, d := range deltas {
		least = min(least, d)
	}
	dst = binary.AppendVarint(dst, int64(least))
	at, mask := len(dst), deltaMask[T]()
	dst = append(dst, make([]byte, deltaGroups)...)
	for g := 0; g*deltaGroup < len(deltas); g++ {
		group := deltas[g*deltaGroup : min((g+1)*deltaGroup, len(deltas))]
		var all uint64
		for _, d := range group {
			all |= uint64(d-least) & mask
		}
		width := uint(bits.Len64(all))
		dst[at+g] = byte(width)
		p := bitPacker{dst: dst}
		for _, d := range group {
			p.put(uint64(d-least)&mask, width)
		}
		for k := len(group); k < deltaGroup; k++ {
			p.put(0, width)
		}
		dst = p.dst
	}
	return dst
}

// deltaMask has the bits of the unsigned numbers of T's width.
func deltaMask[T int32 | int64]() uint64 {
	if top := T(math.MaxInt32); top+1 > 0 {
		return math.MaxUint64
	}
	return math.MaxUint32
}

// appendBools appends values as bits.
func appendBools(dst []byte, values []bool) []byte {
	for i, v := range values {
		if i%8 == 0 {
			dst = append(dst, 0)
		}
		if v {
			dst[len(dst)-1] |= 1 << (i % 8)
		}
	}
	return dst
}

// appendFloats appends values as they stand, in little endian.
func appendFloats(dst []byte, values []float64) []byte {
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

// appendText appends a value after its length.
func appendText(dst, value []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}
