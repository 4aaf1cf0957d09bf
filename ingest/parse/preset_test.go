package parse

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/goldentest"
)

func presetOutcome(t testing.TB, name, data string) []string {
	var table Table
	newPreset(t, name).Parse(0, []byte(data), &table)
	return outcome(&table)
}

// Definitions are stored in epochs: a preset that changes is another format to every table that
// was made with it, and needs a reason and a note in the changelog.
func TestPreset_Golden(t *testing.T) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	for _, name := range Presets() {
		d, ok := Preset(name)
		require.True(t, ok)
		require.NoError(t, e.Encode(map[string]Definition{name: d}))
	}
	const golden = "testdata/presets.json"
	if *goldentest.Update {
		require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

func TestPreset_Names(t *testing.T) {
	require.Equal(t, []string{"combined", "common", "app"}, Presets())
	_, ok := Preset("json")
	require.False(t, ok)
}

func TestPreset_Combined(t *testing.T) {
	require.Equal(t, []string{
		`[0,93)|192.0.2.1|null|null|1705311000000000|GET|/a?q=1|HTTP/1.1|200|12|null|curl \"8\" \\`,
		`[93,168)|host|id|bob|1705314600000000|M-SEARCH|*|HTTP/2|404|null|null|null`,
		`[168,233)|::1|null|null|1705314600000000|GET|/|HTTP/1.0|200|0||`,
		"skipped 0 0",
	}, presetOutcome(t, "combined", ""+
		`192.0.2.1 - - [15/Jan/2024:10:30:00 +0100] "GET /a?q=1 HTTP/1.1" 200 12 `+
		`"-" "curl \"8\" \\"`+"\r\n"+
		`host id bob [15/Jan/2024:10:30:00 +0000] "M-SEARCH * HTTP/2" 404 - "-" "-"`+"\n"+
		`::1 - - [15/Jan/2024:10:30:00 +0000] "GET / HTTP/1.0" 200 0 "" ""`))
}

// A line is whole or a reject: what was cut off or is no request never becomes a row.
func TestPreset_Combined_Rejects(t *testing.T) {
	const start, end = `192.0.2.1 - - [15/Jan/2024:10:30:00 +0000] `, ` 200 12 "-" "curl"`
	p := newPreset(t, "combined")
	for line, want := range map[string]Reason{
		start + `"-"` + end:                                                 NoMatch,
		start + `"GET /a b HTTP/1.1"` + end:                                 NoMatch,
		start + `"GET /a"` + end:                                            NoMatch,
		start + `"\x16\x03\x01"` + end:                                      NoMatch,
		start + `""` + end:                                                  NoMatch,
		start + `"GET / HTTP/1.1" 200 12`:                                   NoMatch,
		start + `"GET / HTTP/1.1"` + end + " ":                              NoMatch,
		start + `"GET / HTTP/1.1" 200 12 "-" "curl \"`:                      NoMatch,
		start + `"GET / HTTP/1.1" 20 12 "-" "curl"`:                         NoMatch,
		start + `"GET / HTTP/1.1" 200 -1 "-" "curl"`:                        NoMatch,
		start + `"GET / HTTP/1.1" 200 9999999999999999999 "-" "curl"`:       BadType,
		`192.0.2.1 - - [15/Jan/2024 10:30:00 +0000] "GET / HTTP/1.1"` + end: BadTimestamp,
		`192.0.2.1 - - [31/Feb/2024:10:30:00 +0000] "GET / HTTP/1.1"` + end: BadTimestamp,
		`192.0.2.1 - - [15/Jan/1970:10:30:00 +0000] "GET / HTTP/1.1"` + end: OutOfRange,
		`192.0.2.1 - - [] "GET / HTTP/1.1"` + end:                           BadTimestamp,
	} {
		var table Table
		p.Parse(0, []byte(line), &table)
		require.Len(t, table.Rejects, 1, line)
		require.Equal(t, want, table.Rejects[0].Reason, line)
	}
}

func TestPreset_Common(t *testing.T) {
	const line = `192.0.2.1 - bob [15/Jan/2024:10:30:00 +0000] "GET / HTTP/1.1" 304 -`
	require.Equal(t, []string{
		"[0,68)|192.0.2.1|null|bob|1705314600000000|GET|/|HTTP/1.1|304|null",
		"[68,79) no_match  ", "skipped 0 0",
	}, presetOutcome(t, "common", line+"\n"+`- - "curl"`+"\n"))
}

// A stream may go over from common to combined: that only adds optional columns.
func TestPreset_Combined_ExtendsCommon(t *testing.T) {
	common, _ := Preset("common")
	combined, _ := Preset("combined")
	require.Equal(t, common.Columns, combined.Columns[:len(common.Columns)])
	for _, c := range combined.Columns[len(common.Columns):] {
		require.True(t, c.Optional)
	}
}

func TestPreset_App(t *testing.T) {
	require.Equal(t, []string{
		"[0,62)|1705314600123000|INFO|billing.api|charge accepted: 7",
		"[63,100)|1705314600000000|FATAL|std::io|",
		"[100,137) not_in_set severity not in enum",
		"[137,167) bad_length module shorter than 1",
		"[167,202) bad_timestamp timestamp not of layout rfc3339",
		"[202,242) no_match  ",
		"skipped 1 1",
	}, presetOutcome(t, "app", ""+
		"2024-01-15T10:30:00.123Z INFO billing.api: charge accepted: 7\n"+
		"\n"+
		"2024-01-15T10:30:00Z FATAL std::io: \n"+
		"2024-01-15T10:30:00Z info billing: x\n"+
		"2024-01-15T10:30:00Z INFO : x\n"+
		"2024-01-15 INFO billing: it is day\n"+
		"2024-01-15T10:30:00Z INFO no colon here\n"))
}

func TestFromPattern(t *testing.T) {
	d, err := FromPattern(`(?P<a>\w+) (x)(?:(?P<b>y)|(?P<c>z))(?P<d>!)?` +
		`(?:(?P<e>a){0,3})(?:(?P<f>b){1,2})(?P<g>c*)`)
	require.NoError(t, err)
	require.Equal(t, []Column{{Name: "a"}, {Name: "b", Optional: true}, {Name: "c", Optional: true},
		{Name: "d", Optional: true}, {Name: "e", Optional: true}, {Name: "f"}, {Name: "g"}}, d.Columns)

	for _, pattern := range []string{`(`, `abc`, `(?P<_x>a)`, `(?P<dt>a)`, `(?P<x>a)|(?P<X>b)`} {
		_, err := FromPattern(pattern)
		require.Error(t, err, pattern)
	}
}
