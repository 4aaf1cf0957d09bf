package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// This file reads what encoding.go writes. Unlike arrow's decoders these give an error for any
// damage: they neither panic nor loop nor take more memory than the values they were told of.

var errShortPage = errors.New("page ends too early")

// takeUvarint reads a varint from the front of b.
func takeUvarint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errShortPage
	}
	return v, b[n:], nil
}

// takeVarint reads a zigzag varint from the front of b.
func takeVarint(b []byte) (int64, []byte, error) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, errShortPage
	}
	return v, b[n:], nil
}

// bitUnpacker takes numbers of few bits, the lowest bits first. Its caller has checked that there
// are enough.
type bitUnpacker struct {
	b    []byte
	acc  uint64
	have uint
}

func (u *bitUnpacker) take(width uint) uint64 {
	if width > 32 {
		low := u.take(32)
		return low | u.take(width-32)<<32
	}
	for u.have < width {
		u.acc |= uint64(u.b[0]) << u.have
		u.b = u.b[1:]
		u.have += 8
	}
	v := u.acc & (1<<width - 1)
	u.acc >>= width
	u.have -= width
	return v
}

// packedBytes is what n numbers of width bits take.
func packedBytes(n uint64, width uint) uint64 { return (n*uint64(width) + 7) / 8 }

// decodeHybrid appends n values of width bits in the hybrid of run lengths and bit packing.
func decodeHybrid(dst []uint32, b []byte, width uint, n int) ([]uint32, error) {
	if width > 32 {
		return nil, fmt.Errorf("index of %d bits", width)
	}
	for n > 0 {
		header, rest, err := takeUvarint(b)
		if err != nil {
			return nil, err
		}
		b = rest
		count := header >> 1
		if count == 0 || count > math.MaxInt32 {
			return nil, fmt.Errorf("run of %d", count)
		}
		size := packedBytes(1, width)
		if header&1 == 1 {
			size = packedBytes(count*minRun, width)
		}
		if uint64(len(b)) < size {
			return nil, errShortPage
		}
		if header&1 == 1 {
			k := int(min(count*minRun, uint64(n)))
			u := bitUnpacker{b: b}
			for range k {
				dst = append(dst, uint32(u.take(width)))
			}
			n -= k
		} else {
			u := bitUnpacker{b: b}
			v := uint32(u.take(width))
			k := int(min(count, uint64(n)))
			for range k {
				dst = append(dst, v)
			}
			n -= k
		}
		b = b[size:]
	}
	return dst, nil
}

// decodeLevels reads the definition levels of n values from the front of a data page and marks
// the nulls; rest are the values.
func decodeLevels(null []bool, b []byte, n int) (out []bool, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errShortPage
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(len(b)) < uint64(size) {
		return nil, nil, errShortPage
	}
	levels, err := decodeHybrid(nil, b[:size], 1, n)
	if err != nil {
		return nil, nil, err
	}
	for _, level := range levels {
		null = append(null, level == 0)
	}
	return null, b[size:], nil
}

// decodeDelta reads n values that are delta packed.
func decodeDelta[T int32 | int64](b []byte, n int) ([]T, error) {
	var header [3]uint64
	for i := range header {
		var err error
		if header[i], b, err = takeUvarint(b); err != nil {
			return nil, err
		}
	}
	if want := [3]uint64{deltaBlock, deltaGroups, uint64(n)}; header != want {
		return nil, fmt.Errorf("delta packing: want a header of %v, have %v", want, header)
	}
	first, b, err := takeVarint(b)
	if err != nil || n == 0 {
		return nil, err
	}
	last := T(first)
	dst := append(make([]T, 0, n), last)
	for len(dst) < n {
		least, rest, err := takeVarint(b)
		if err != nil {
			return nil, err
		}
		if len(rest) < deltaGroups {
			return nil, errShortPage
		}
		widths := rest[:deltaGroups]
		b = rest[deltaGroups:]
		for g := 0; g < deltaGroups && len(dst) < n; g++ {
			width := uint(widths[g])
			size := packedBytes(deltaGroup, width)
			if width > 64 || uint64(len(b)) < size {
				return nil, errShortPage
			}
			u := bitUnpacker{b: b[:size]}
			for k := 0; k < deltaGroup && len(dst) < n; k++ {
				last += T(least) + T(u.take(width))
				dst = append(dst, last)
			}
			b = b[size:]
		}
	}
	return dst, nil
}

// decodeFixed reads n values of size bytes in little endian, each by read.
func decodeFixed[T any](b []byte, n, size int, read func([]byte) T) ([]T, error) {
	if len(b)/size < n {
		return nil, errShortPage
	}
	dst := make([]T, n)
	for i := range dst {
		dst[i] = read(b[i*size:])
	}
	return dst, nil
}

func readInt32(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) }
func readInt64(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }
func readFloat(b []byte) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// decodeBools reads n bits.
func decodeBools(b []byte, n int) ([]bool, error) {
	if uint64(len(b)) < packedBytes(uint64(n), 1) {
		return nil, errShortPage
	}
	dst := make([]bool, n)
	for i := range dst {
		dst[i] = b[i/8]>>(i%8)&1 == 1
	}
	return dst, nil
}

// decodeTexts reads n values after their lengths; they alias b.
func decodeTexts(b []byte, n int) ([][]byte, error) {
	if len(b)/4 < n {
		return nil, errShortPage
	}
	dst := make([][]byte, n)
	for i := range dst {
		if len(b) < 4 {
			return nil, errShortPage
		}
		size := uint64(binary.LittleEndian.Uint32(b))
		if uint64(len(b)-4) < size {
			return nil, errShortPage
		}
		dst[i], b = b[4:4+size], b[4+size:]
	}
	return dst, nil
}
