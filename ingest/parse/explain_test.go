package parse

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParser_Explain_PointsAtTheFault(t *testing.T) {
	const head = `192.0.2.1 - - [15/Jan/2024:10:30:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl"`
	for _, c := range []struct {
		preset string
		line   string // with ^ before the byte at fault
		reason Reason
		field  string
	}{
		{"combined", strings.TrimSuffix(head, `"`) + "^", NoMatch, ""},
		{"combined", head + "^ more", NoMatch, ""},
		{"combined", strings.Replace(head, ` 200`, ` 2^x0`, 1), NoMatch, ""},
		{"combined", strings.Replace(head, `GET /a HTTP/1.1" 2`, `GET /a" ^2`, 1), NoMatch, ""},
		{"combined", strings.Replace(head, `15/Jan`, `^15/Jon`, 1), BadTimestamp, "time"},
		{"combined", strings.Replace(head, `2024`, "2024^\xff", 1), InvalidUTF8, ""},
		{"combined", strings.Replace(head, ` 12 `, ` ^99999999999999999999 `, 1), BadType, "bytes"},
		{"app", `2024-01-15T10:30:00Z ^NOTE billing: hello`, NotInSet, "severity"},
		{"app", `2024-01-15T10:30:00Z INFO ^: hello`, BadLength, "module"},
		{"app", `2024-01-15T10:30:00Z INFO billing^`, NoMatch, ""},
		{"app", `^1989-01-15T10:30:00Z INFO billing: é`, OutOfRange, "timestamp"},
	} {
		at := strings.Index(c.line, "^")
		line := c.line[:at] + c.line[at+1:]
		for _, end := range []string{"", "\n", "\r\n"} {
			got, r, ok := newPreset(t, c.preset).Explain([]byte(line + end))
			require.True(t, ok, c.line)
			require.Equal(t, c.reason, r.Reason, c.line)
			require.Equal(t, c.field, r.Field, c.line)
			require.Equal(t, at, got, c.line)
			require.Equal(t, line+end, string(r.Raw))
		}
	}
}

func TestParser_Explain_HasNothingToSayOfRows(t *testing.T) {
	p := newPreset(t, "app")
	for _, line := range []string{"", "\n", "\r\n", "2024-01-15T10:30:00Z INFO billing: hello\n"} {
		_, _, ok := p.Explain([]byte(line))
		require.False(t, ok, line)
	}
}

func TestParser_Explain_PlacesAnAbsentGroup(t *testing.T) {
	p := newParser(t, Definition{Pattern: `(?P<a>\w+)(?: (?P<b>\w+))?(?P<c>!)?`, Columns: []Column{
		{Name: "a"}, {Name: "b"}, {Name: "c", Optional: true}}})
	at, r, ok := p.Explain([]byte("abc!"))
	require.True(t, ok)
	require.Equal(t, MissingField, r.Reason)
	require.Equal(t, 3, at)
}

// TestMatchedPrefix_IsWhatSomeMatchBeginsWith compares with all matches of up to eight letters.
func TestMatchedPrefix_IsWhatSomeMatchBeginsWith(t *testing.T) {
	const maxLen = 8
	texts := []string{""}
	for at := 0; len(texts[at]) < maxLen; at++ {
		texts = append(texts, texts[at]+"a", texts[at]+"b", texts[at]+" ")
	}
	for _, pattern := range []string{`a`, `ab|ba`, `a*b`, `(?:ab)+ ?`, `a{2,3}b{2}`, `.*b`, `(a|b)* a`,
		`\w+\b \bb`, `a(?:b$| )`, `a\Bb+`, `a[^b]`, `(?i)AB`} {
		re, err := compileWhole(pattern)
		require.NoError(t, err)
		alive := make(map[string]bool) // what a matching text begins with
		for _, s := range texts {
			for n := 0; n <= len(s) && re.MatchString(s); n++ {
				alive[s[:n]] = true
			}
		}
		// Half the length is enough to complete any of the patterns.
		for _, s := range texts {
			if len(s) > maxLen/2 {
				break
			}
			want := 0
			for want < len(s) && alive[s[:want+1]] {
				want++
			}
			require.Equal(t, want, matchedPrefix(re.String(), []byte(s)), "%s %q", pattern, s)
		}
	}
}
