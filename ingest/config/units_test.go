package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{
		"1": 1, "500B": 500, "64MiB": 64 << 20, "10GB": 10e9, "1.5GiB": 3 << 29, "2 KiB": 2048,
		"1TiB":  1 << 40,
		"0.5KB": 500,
	} {
		n, err := ParseSize(s)
		require.NoError(t, err, s)
		require.Equal(t, want, n, s)
	}
	for _, s := range []string{"", "0", "-1", "+1", "1e3", "0x10", "1_000", "inf", "NaN", "64mib",
		"MiB", "1.5B", "64 M", "64M", "99999999999TiB", "1MiB "} {
		_, err := ParseSize(s)
		require.Error(t, err, s)
	}
}

func TestParseRetention(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90d": 90 * day, "1d": day, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour,
		"5m": 5 * time.Minute, "0d1s": time.Second, "36500d": 36500 * day,
	} {
		v, err := parseRetention(s)
		require.NoError(t, err, s)
		require.Equal(t, want, v, s)
	}
	for _, s := range []string{"", "0", "0d", "0s", "-1d", "-1h", "1d-1h", "d", "1.5d", "90", "90 d",
		"90D", "1w", "1h1d", "1d1d", "+1d", "36501d", "36500d1s", "99999999999d", "2562047h",
		"0x1d", "1_0d"} {
		_, err := parseRetention(s)
		require.Error(t, err, s)
	}
}

func TestSizeText_IsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<52).Draw(t, "n") << rapid.IntRange(0, 9).Draw(t, "shift")
		got, err := ParseSize(sizeText(n))
		require.NoError(t, err)
		require.Equal(t, n, got)
	})
}
