package parse

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// nanoseconds is the exact sum of a duration's parts, by slow arithmetic.
func nanoseconds(parts []durationText) *big.Rat {
	units := map[string]int64{"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9,
		"m": 60e9, "h": 3600e9}
	sum := new(big.Rat)
	for _, p := range parts {
		number, ok := new(big.Rat).SetString("0" + p.number)
		if !ok {
			panic(p.number)
		}
		sum.Add(sum, number.Mul(number, new(big.Rat).SetInt64(units[p.unit])))
	}
	return sum
}

type durationText struct{ number, unit string }

func TestParseDuration_IsExact(t *testing.T) {
	part := rapid.Custom(func(t *rapid.T) durationText {
		return durationText{
			rapid.StringMatching(`[0-9]{1,4}|[0-9]{1,20}(\.[0-9]{0,16})?|\.[0-9]{1,14}`).Draw(t, "number"),
			rapid.SampledFrom([]string{"ns", "us", "µs", "μs", "ms", "s", "m", "h"}).Draw(t, "unit"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(part, 1, 3).Draw(t, "parts")
		text := rapid.SampledFrom([]string{"", "-", "+"}).Draw(t, "sign")
		for _, p := range parts {
			text += p.number + p.unit
		}
		want := nanoseconds(parts)
		if text[0] == '-' {
			want.Neg(want)
		}
		got, ok := parseDuration([]byte(text))
		wholeParts := true
		for _, p := range parts {
			wholeParts = wholeParts && nanoseconds([]durationText{p}).IsInt()
		}
		require.Equal(t, wholeParts && want.Num().IsInt64(), ok, text)
		if ok {
			require.Equal(t, want.Num().Int64(), got, text)
		}
	})
}

func TestParseDuration_Table(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "-0": 0, "+0": 0, "1h2m3.5s": 3723500000000,
		"-250ms": -250e6,
		"1.5µs":  1500, "0.25us": 250, "9223372036854775807ns": math.MaxInt64,
		"-9223372036854775808ns": math.MinInt64, "0.0000000000000s": 0,
		"0.0001220703125h": 439453125, "1.0000000000000000000s": 1e9} {
		got, ok := parseDuration([]byte(s))
		require.True(t, ok, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "-", "1", "s", ".s", "1x", "1 s", "1.5ns", "1.0000000001s", "1h-1m",
		"00",
		"9223372036854775808ns", "-9223372036854775809ns",
		"-9223372036854775808ns9223372036854775808ns", "-9223372036.9s", "18446744073.8s",
		"1d", "1S", "99999999999999999999s",
		"1.2.3s", "3000000h"} {
		_, ok := parseDuration([]byte(s))
		require.False(t, ok, s)
	}
}
