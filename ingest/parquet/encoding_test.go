package parquet

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawRuns draws numbers of at most width bits in which runs of equal ones are frequent.
func drawRuns(t *rapid.T, width uint) (out []uint32) {
	for range rapid.IntRange(0, 12).Draw(t, "runs") {
		v := uint32(rapid.Uint64Range(0, 1<<width-1).Draw(t, "value"))
		for range rapid.SampledFrom([]int{1, 1, 1, 7, 8, 9, 600}).Draw(t, "times") {
			out = append(out, v)
		}
	}
	return out
}

func TestHybrid_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.UintRange(1, 32).Draw(t, "width")
		want := drawRuns(t, width)
		b := appendHybrid(nil, want, width)
		got, err := decodeHybrid(nil, b, width, len(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
		for n := range b {
			_, err := decodeHybrid(nil, b[:n], width, len(want))
			require.Error(t, err)
		}
	})
}

// The examples of Parquet's own description of its encodings.
func TestHybrid_AsDescribed(t *testing.T) {
	require.Equal(t, []byte{3, 0b10001000, 0b11000110, 0b11111010},
		appendHybrid(nil, []uint32{0, 1, 2, 3, 4, 5, 6, 7}, 3))
	require.Equal(t, []byte{20, 0x34, 0x12}, appendHybrid(nil, []uint32{0x1234, 0x1234, 0x1234,
		0x1234, 0x1234, 0x1234, 0x1234, 0x1234, 0x1234, 0x1234}, 13))
	require.Equal(t, []byte{20, 1}, appendRun(nil, 1, 10, 1))
}

func drawDeltas[T int32 | int64](t *rapid.T, values *rapid.Generator[T]) (out []T) {
	var last T
	for range rapid.SampledFrom([]int{0, 1, 2, 32, 33, 129, 300}).Draw(t, "values") {
		shift := rapid.IntRange(0, 63).Draw(t, "shift")
		last += values.Draw(t, "delta") >> shift
		out = append(out, last)
	}
	return out
}

func TestDelta_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		longs := drawDeltas(t, rapid.Int64())
		b := appendDelta(nil, longs)
		gotLongs, err := decodeDelta[int64](b, len(longs))
		require.NoError(t, err)
		require.Equal(t, longs, gotLongs)

		ints := drawDeltas(t, rapid.Int32())
		b = appendDelta(nil, ints)
		gotInts, err := decodeDelta[int32](b, len(ints))
		require.NoError(t, err)
		require.Equal(t, ints, gotInts)
		for n := range b {
			_, err := decodeDelta[int32](b[:n], len(ints))
			require.Error(t, err)
		}
	})
}

// The examples of Parquet's own description of its encodings, padded as it says.
func TestDelta_AsDescribed(t *testing.T) {
	require.Equal(t, []byte{128, 1, 4, 5, 2, 2, 0, 0, 0, 0}, appendDelta(nil,
		[]int64{1, 2, 3, 4, 5}))
	require.Equal(t, append([]byte{128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f},
		make([]byte, 6)...), appendDelta(nil, []int64{7, 5, 3, 1, 2, 3, 4, 5}))
}

// Differences of 32-bit numbers wrap around, so that readers with 32 bits can hold them.
func TestDelta_Of32Bits_IsNoWider(t *testing.T) {
	values := []int32{-1 << 31, 1<<31 - 1, -1 << 31, 0, 1<<31 - 1, 5}
	b := appendDelta(nil, values)
	_, rest, err := takeVarint(b[4:]) // after the header: the first value
	require.NoError(t, err)
	_, rest, err = takeVarint(rest) // the least delta
	require.NoError(t, err)
	require.LessOrEqual(t, rest[0], byte(32))
	require.Equal(t, []byte{0, 0, 0}, rest[1:4])
}

func TestLevels_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []bool
		for _, v := range drawRuns(t, 1) {
			want = append(want, v == 1)
		}
		b, _ := appendLevels(nil, want, len(want), nil)
		require.EqualValues(t, len(b)-4, binary.LittleEndian.Uint32(b))
		got, rest, err := decodeLevels(nil, append(b, "rest"...), len(want))
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, "rest", string(rest))
	})
}
