package parse

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseInt_IsStrconvWithoutPlus(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`[-+]?[0-9_]{0,22}[ x]?`),
			rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) }),
		).Draw(t, "text")
		want, err := strconv.ParseInt(s, 10, 64)
		got, ok := parseInt([]byte(s))
		require.Equal(t, err == nil && !strings.HasPrefix(s, "+"), ok)
		if ok {
			require.Equal(t, want, got)
		}
	})
}

func TestParseInt_Edges(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "-0": 0, "007": 7,
		"9223372036854775807":  math.MaxInt64,
		"-9223372036854775808": math.MinInt64, "00000000000000000000000000000001": 1} {
		got, ok := parseInt([]byte(s))
		require.True(t, ok, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "-", "+1", "1_000", "9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "99999999999999999999999", " 1", "1 ", "0x1", "1.0", "1e3", "١"} {
		_, ok := parseInt([]byte(s))
		require.False(t, ok, s)
	}
}

func TestParseFloat_TakesFiniteDecimals(t *testing.T) {
	for s, want := range map[string]float64{"0": 0, "-1.5": -1.5, "1e3": 1000, "01.50E-1": 0.15,
		"1.7976931348623157e308": math.MaxFloat64, "5e-324": math.SmallestNonzeroFloat64} {
		got, ok := parseFloat([]byte(s))
		require.True(t, ok, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "-", "+1", ".5", "5.", "1e", "1e+", "1.e1", "NaN", "nan",
		"Inf", "-inf",
		"1e309", "0x1p3", "1_0", "1 ", "1,5", "--1", "1.2.3"} {
		_, ok := parseFloat([]byte(s))
		require.False(t, ok, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Float64().Draw(t, "value")
		format := rapid.SampledFrom([]byte("efg")).Draw(t, "format")
		got, ok := parseFloat(strconv.AppendFloat(nil, want, format, -1, 64))
		require.True(t, ok)
		require.Equal(t, want, got)
	})
}

func TestParseBool_TakesTwoWords(t *testing.T) {
	for s, want := range map[string]bool{"true": true, "false": false} {
		got, ok := parseBool([]byte(s))
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, s := range []string{"", "True", "TRUE", "1", "0", "t", "yes", "true "} {
		_, ok := parseBool([]byte(s))
		require.False(t, ok, s)
	}
}
