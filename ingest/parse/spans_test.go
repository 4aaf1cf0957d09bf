package parse

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// spansOf compiles a pattern as a Parser does: as a list of spans, nil if it is none, and as regexp.
func spansOf(t require.TestingT, pattern string) (*spans, *regexp.Regexp) {
	whole, err := wholeLine(pattern)
	require.NoError(t, err, pattern)
	re, err := regexp.Compile(whole)
	require.NoError(t, err, pattern)
	return compileSpans(whole), re
}

func TestSpans_TakesPatternsThatMatchInOneWayOnly(t *testing.T) {
	for _, pattern := range []string{
		`^(?P<ts>\S+) (?P<severity>[A-Z]+) svc-(?P<n>\d+) (?P<message>.*)$`,
		`(?P<a>[^,]*),(?P<b>[^,]*)`,
		`"(?P<a>[^"]*)"`,
		`(?P<a>[0-9]{3})x`,
		`(?P<a>[a-z])`,
		`(?P<a>a*)b*(?P<c>c*)`,
		`é(?P<a>x+)é`,
		`(?P<a>a|b)`, // the class [a-b]
		`(?i)(?P<a>[a-c]+) `,
		`(?P<a>.*?)`, // to the end all the same
		`(?s)(?P<a>.*)`,
	} {
		s, _ := spansOf(t, pattern)
		require.NotNil(t, s, pattern)
	}
	for _, pattern := range []string{
		`(?P<a>a*)b*(?P<c>.*)`, // an a or b may be of what follows
		`(?P<a>a*)b*a`,
		`(?P<a>.{3})`, // counts runes
		`(?P<a>.)`,
		`(?P<a>é+)x`,
		`(?P<a>\S+)é`,
		`(?P<a>[a-zé]+) `,
		`(?P<a>ab|cd)`,
		`(?P<a>ab)?`,
		`(?P<a>(ab)+)`,
		`(?i)(?P<a>abc)`,
		`(?i)(?P<a>[j-l]+) `, // the Kelvin sign is a k
		`(?m)^(?P<a>a+)$`,
		`(?P<a>\w+)\b`,
		`x^(?P<a>a+)`,
		`(?P<a>\d+)\x{D800}`, // no text has it
	} {
		s, _ := spansOf(t, pattern)
		require.Nil(t, s, pattern)
	}
}

// requireSame holds that both ways to match a text find the same.
func requireSame(t require.TestingT, pattern, text string) (matched bool) {
	s, re := spansOf(t, pattern)
	if s == nil {
		return false
	}
	want := re.FindSubmatchIndex([]byte(text))
	got := []int{7}
	if !s.match([]byte(text), &got) {
		got = nil
	}
	require.Equal(t, want, got, "%s on %q", pattern, text)
	return want != nil
}

// Patterns are made of pieces that often fit into a list of spans, and texts of what they match.
func TestSpans_MatchAsRegexpDoes(t *testing.T) {
	pieces := []struct{ pattern, text []string }{
		{[]string{` `, `, `, `"`, `é`, `x`, ` - `}, []string{" ", ", ", `"`, "é", "x", " - "}},
		{[]string{`\S+`, `[^ ]*`, `\S+?`}, []string{"ab", "é", "", "a,b", "\""}},
		{[]string{`\d+`, `\d*`, `[0-9]{2}`, `\d{1,3}`, `-?`}, []string{"1", "23", "456", "", "-"}},
		{[]string{`.*`, `.*?`, `(?s:.*)`, `[^"]*`}, []string{"abc", "a b", "", "\n", "1\"2"}},
		{[]string{`[a-z]+`, `[a-z]`, `a|b`, `(?:[A-C]+)`, `(?i:[a-c]*)`}, []string{"abc", "a", "B", ""}},
		{[]string{`(?:, )?`, `(?:ab|cd)`, `(?:a )*`, ``, `$`, `^`}, []string{", ", "ab", ""}},
	}
	lists, matches := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		pattern, text := "", ""
		for i := range rapid.IntRange(1, 6).Draw(t, "pieces") {
			piece := rapid.SampledFrom(pieces).Draw(t, "piece")
			p := rapid.SampledFrom(piece.pattern).Draw(t, "pattern")
			if rapid.Bool().Draw(t, "named") {
				p = "(?P<n" + string(rune('a'+i)) + ">" + p + ")"
			}
			pattern += p
			text += rapid.SampledFrom(piece.text).Draw(t, "text")
		}
		if s, _ := spansOf(t, pattern); s != nil {
			lists++
		}
		if requireSame(t, pattern, text) {
			matches++
		}
	})
	require.Positive(t, lists, "no pattern was a list of spans")
	require.Positive(t, matches, "no text was matched")
}

func FuzzSpans(f *testing.F) {
	for _, p := range presets {
		f.Add(p.def.Pattern, "2024-01-15T10:30:00Z INFO a.b: c")
	}
	f.Add(`^(?P<ts>\S+) (?P<severity>[A-Z]+) svc-(?P<n>\d+) (?P<message>.*)$`, "t INFO svc-1 m n")
	f.Add(`(?P<a>[^,]*),(?P<b>[^,]{0,1})`, "é,b")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if _, err := wholeLine(pattern); err != nil || !utf8.ValidString(text) {
			return
		}
		requireSame(t, pattern, text)
	})
}
