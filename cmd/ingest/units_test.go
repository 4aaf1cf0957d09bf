package main

import (
	"maps"
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
		n, err := parseSize(s)
		require.NoError(t, err, s)
		require.Equal(t, want, n, s)
	}
	for _, s := range []string{"", "0", "-1", "+1", "1e3", "0x10", "1_000", "inf", "NaN", "64mib",
		"MiB", "1.5B", "64 M", "64M", "99999999999TiB", "1MiB "} {
		_, err := parseSize(s)
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
		got, err := parseSize(sizeText(n))
		require.NoError(t, err)
		require.Equal(t, n, got)
	})
}

func TestExpand(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "1", "B_2": "${A}"}[name]
		return v, ok
	}
	for s, want := range map[string]string{
		"": "", "plain": "plain", "$": "$", "$A": "$A", "${A}": "1", "x${A}y${A}z": "x1y1z",
		"${B_2}": "${A}", "$${A}": "${A}", "$$${A}": "$${A}", "a$${": "a${", "${A}$": "1$", "}{": "}{",
	} {
		got, err := expand(s, env, "")
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	for s, want := range map[string]string{
		"${": "no closing brace", "${A": "no closing brace", "${}": "names no environment variable",
		"${C}": "C is not set", "${A-b}": "names no", "${1}": "names no",
		"${file:/does/not/exist}": "${file:/does/not/exist}: open",
	} {
		_, err := expand(s, env, "")
		require.ErrorContains(t, err, want, s)
	}
}

func TestDidYouMean(t *testing.T) {
	known := map[string]bool{"format": true, "regex": true, "version": true, "paths": true}
	for word, want := range map[string]string{
		"fromat": `; did you mean "format"?`, "path": `; did you mean "paths"?`,
		"vresion": `; did you mean "version"?`, "Regex": `; did you mean "regex"?`,
		"xyz": `; want one of ["format" "paths" "regex" "version"]`,
	} {
		require.Equal(t, want, didYouMean(word, maps.Keys(known)), word)
	}
}

func TestAround_PutsTheCaretUnderTheByte(t *testing.T) {
	long := "0123456789"
	for range 5 {
		long += long
	}
	for name, c := range map[string]struct {
		line string
		at   int
		text string
		mark byte
	}{
		"start":    {"abc", 0, "abc", 'a'},
		"middle":   {"abc", 1, "abc", 'b'},
		"end":      {"abc", 3, "abc", 0},
		"after é":  {"éx", 2, "éx", 'x'},
		"controls": {"\x00\tx", 2, `\x00\tx`, 'x'},
		"invalid":  {"\xff\xfex", 2, `\xff\xfex`, 'x'},
		"long":     {long, 100, "…" + long[40:160] + "…", '0'},
	} {
		t.Run(name, func(t *testing.T) {
			text, column := around([]byte(c.line), c.at)
			require.Equal(t, c.text, text)
			runes := append([]rune(text), 0)
			require.Equal(t, rune(c.mark), runes[column])
		})
	}
}
