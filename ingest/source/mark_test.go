package source

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNextMark(t *testing.T) {
	const step = 64 << 20
	var got []int64
	for off := NextMark(0); off <= 3*step; off = NextMark(off) {
		got = append(got, off)
	}
	require.Equal(t, []int64{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20,
		4 << 20, 16 << 20, step, 2 * step, 3 * step}, got)
	require.EqualValues(t, 64, NextMark(63))
	require.EqualValues(t, 256, NextMark(64))
	require.EqualValues(t, 2*step, NextMark(2*step-1))
	require.EqualValues(t, math.MaxInt64, NextMark(math.MaxInt64-1))
	require.EqualValues(t, math.MaxInt64, NextMark(math.MaxInt64))
	require.Greater(t, NextMark(math.MaxInt64-step), int64(math.MaxInt64-step))
}

// marksOf is what the marks of data between after and before are to be.
func marksOf(data []byte, after, before int64) []Mark {
	var ms []Mark
	for off := NextMark(after); off < before && off <= int64(len(data)); off = NextMark(off) {
		ms = append(ms, Mark{off, DigestOf(data[:off])})
	}
	return ms
}

func TestChain_Marks_AreTheSameHoweverItIsWritten(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1200)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, len(data)), rapid.IntRange(0, 300),
			rapid.SampledFrom([]int{64, 256, 1024, 4096})).Draw(t, "size")
		data := data[:size]
		after := rapid.Int64Range(0, int64(size)).Draw(t, "after")
		before := rapid.Int64Range(after, int64(size)+100).Draw(t, "before")
		c := NewChain()
		for rest := data; len(rest) > 0; {
			n := rapid.IntRange(1, min(len(rest), 3000)).Draw(t, "n")
			c.Write(rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, marksOf(data, after, before), c.Marks(after, before))
		require.Equal(t, DigestOf(data), c.Sum())
		c.ForgetMarks(after)
		require.Equal(t, marksOf(data, after, before), c.Marks(0, before))
	})
}

func TestChain_Marks_BeginWhereItIsResumed(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 2000)
	for _, at := range []int{0, 63, 64, 65, 256, 1000} {
		c := NewChain()
		c.Write(data[:at])
		c, err := Resume(c.Point(), data[at-at%BlockSize:at])
		require.NoError(t, err)
		require.Nil(t, c.Marks(0, math.MaxInt64))
		c.Write(data[at:])
		require.Equal(t, marksOf(data, int64(at), math.MaxInt64), c.Marks(0, math.MaxInt64), at)
	}
}

func TestChain_Clone_HasMarksOfItsOwn(t *testing.T) {
	c := NewChain()
	c.Write(make([]byte, 300))
	d := c.Clone()
	c.Write(bytes.Repeat([]byte("c"), 1000))
	d.Write(bytes.Repeat([]byte("d"), 1000))
	require.Equal(t, marksOf(append(make([]byte, 300), bytes.Repeat([]byte("c"), 1000)...), 0, 2000),
		c.Marks(0, 2000))
	want := d.Marks(0, 2000)
	require.Len(t, want, 3)
	c.ForgetMarks(64)
	require.Equal(t, want, d.Marks(0, 2000))
}
