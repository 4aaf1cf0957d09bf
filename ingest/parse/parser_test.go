package parse

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func newParser(t testing.TB, d Definition) *Parser {
	p, err := New(d)
	require.NoError(t, err)
	return p
}

func newPreset(t testing.TB, name string) *Parser {
	d, ok := Preset(name)
	require.True(t, ok, name)
	return newParser(t, d)
}

// outcome prints all that a table says, a line for each record, in the order of the source.
func outcome(tables ...*Table) []string {
	all := []string{}
	var skipped Table
	for _, t := range tables {
		for i := range t.Rows() {
			row := fmt.Sprintf("[%d,%d)", t.Offsets[i], t.Offsets[i]+int64(t.Lengths[i]))
			for c := range t.Columns {
				row += "|" + rowText(&t.Columns[c], i)
			}
			all = append(all, row)
		}
		skipped.SkippedLines += t.SkippedLines
		skipped.SkippedBytes += t.SkippedBytes
	}
	for _, t := range tables {
		for _, r := range t.Rejects {
			all = append(all, fmt.Sprintf("[%d,%d) %s %s %s", r.Offset, r.Offset+int64(len(r.Raw)),
				r.Reason, r.Field, r.Detail))
		}
	}
	return append(all, fmt.Sprintf("skipped %d %d", skipped.SkippedLines, skipped.SkippedBytes))
}

// parseOne parses one line with a parser of one column and prints the value, or the reject.
func parseOne(t testing.TB, c Column, line string) string {
	d := one(c)
	d.Pattern = `(?s)(?P<x>.*)` // so that any byte gets as far as the column
	var table Table
	newParser(t, d).Parse(0, []byte(line), &table)
	if len(table.Rejects) > 0 {
		r := table.Rejects[0]
		require.Equal(t, "x", r.Field)
		return string(r.Reason) + ": " + r.Detail
	}
	return rowText(&table.Columns[0], 0)
}

func TestParser_Parse_ChecksEachColumn(t *testing.T) {
	stamp := Column{Type: Timestamp, EventTime: true}
	for _, c := range []struct {
		column     Column
		line, want string
	}{
		{Column{}, "a\x00\té", "a\x00\té"},
		{Column{}, "lone CR\r", "lone CR\r"},
		{Column{Type: Int32}, "2147483647", "2147483647"},
		{Column{Type: Int32}, "2147483648", "bad_type: not of type int32"},
		{Column{Type: Int32}, "-2147483648", "-2147483648"},
		{Column{Type: Int32}, "-2147483649", "bad_type: not of type int32"},
		{Column{Type: Int64}, "-9223372036854775808", "-9223372036854775808"},
		{Column{Type: Int64}, "+1", "bad_type: not of type int64"},
		{Column{Type: Int64, Min: "7", Max: "7"}, "7", "7"},
		{Column{Type: Int64, Min: "7"}, "6", "out_of_range: below 7"},
		{Column{Type: Int32, Max: "7"}, "8", "out_of_range: above 7"},
		{Column{Type: Float64}, "2.5", "2.5"},
		{Column{Type: Float64}, "nan", "bad_type: not of type float64"},
		{Column{Type: Float64, Min: "0"}, "-0.1", "out_of_range: below 0"},
		{Column{Type: Float64, Max: "1"}, "1.1", "out_of_range: above 1"},
		{Column{Type: Float64, Min: "1", Max: "1"}, "1.0", "1"},
		{Column{Type: Bool}, "true", "true"},
		{Column{Type: Bool}, "TRUE", "bad_type: not of type bool"},
		{Column{Type: Date}, "1970-01-02", "1"},
		{Column{Type: Date}, "1970-02-29", "bad_type: not of type date"},
		{Column{Type: Date, Max: "2000-01-01"}, "2000-01-02", "out_of_range: above 2000-01-01"},
		{Column{Type: Duration}, "1.5s", "1500000000"},
		{Column{Type: Duration}, "1.5", "bad_type: not of type duration"},
		{Column{Type: Duration, Min: "1s"}, "999ms", "out_of_range: below 1s"},
		{Column{Type: IP}, "192.0.2.1", "192.0.2.1"},
		{Column{Type: IP}, "2001:DB8:0:0::1", "2001:db8::1"},
		{Column{Type: IP}, "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{Column{Type: IP}, "fe80::1%eth0", "bad_type: not of type ip"},
		{Column{Type: IP}, "192.0.2.01", "bad_type: not of type ip"},
		{Column{Type: IP, Enum: []string{"0::1"}}, "::1", "::1"},
		{Column{Type: IP, Enum: []string{"::1"}}, "::2", "not_in_set: not in enum"},
		{stamp, "2024-01-15T10:30:00Z", "1705314600000000"},
		{stamp, "yesterday", "bad_timestamp: not of layout rfc3339"},
		{stamp, "1989-12-31T23:59:59.999999Z", "out_of_range: outside the time window"},
		{stamp, "2100-01-01T00:00:00Z", "out_of_range: outside the time window"},
		{Column{Type: Timestamp}, "1989-12-31T23:59:59.999999Z", "631151999999999"},
		{Column{Type: Timestamp}, "0000-01-01T00:00:00+01:00",
			"out_of_range: beyond the years 0000 to 9999"},
		{Column{Type: Timestamp, Layout: LayoutEpochS, Min: "10"}, "9.9", "out_of_range: below 10"},
		{Column{Type: Timestamp, Layout: LayoutEpochS}, "x", "bad_timestamp: not of layout epoch_s"},
		{Column{Enum: []string{"a", "b"}}, "b", "b"},
		{Column{Enum: []string{"a", "b"}}, "B", "not_in_set: not in enum"},
		{Column{Type: Int64, Enum: []string{"7"}}, "007", "7"},
		{Column{Type: Int64, Enum: []string{"7"}}, "8", "not_in_set: not in enum"},
		{Column{MinLength: 2}, "é", "bad_length: shorter than 2"},
		{Column{MinLength: 2, MaxLength: 2}, "éé", "éé"},
		{Column{MaxLength: 2}, "ééé", "bad_length: longer than 2"},
		{Column{Pattern: `a+|b`}, "aab", "bad_pattern: does not match the column's pattern"},
		{Column{Pattern: `a+|b`}, "b", "b"},
		{Column{Pattern: `\Qa.b`}, "a.b", "a.b"},
		{Column{Optional: true, NullValues: []string{"-", "n/a"}}, "n/a", "null"},
		{Column{Type: Int64, Optional: true, NullValues: []string{"-"}}, "-", "null"},
		{Column{Type: Int64, NullValues: []string{"-"}}, "-", "missing_field: its text means null"},
		{Column{Optional: true, NullValues: []string{"-"}}, "--", "--"},
	} {
		require.Equal(t, c.want, parseOne(t, c.column, c.line), "%+v %q", c.column, c.line)
	}
}

func TestParser_Parse_TakesAnEmptyTextForAString(t *testing.T) {
	for _, c := range []struct {
		column Column
		want   []string
	}{
		{Column{Name: "x"}, []string{"[0,2)|", "skipped 0 0"}},
		{Column{Name: "x", Type: Int64, Optional: true},
			[]string{"[0,2) bad_type x not of type int64", "skipped 0 0"}},
		{Column{Name: "x", Optional: true, NullValues: []string{""}},
			[]string{"[0,2)|null", "skipped 0 0"}},
		{Column{Name: "x", Type: Timestamp}, []string{"[0,2) bad_timestamp x not of layout rfc3339",
			"skipped 0 0"}},
	} {
		var table Table
		p := newParser(t, Definition{Pattern: `=(?P<x>.*)`, Columns: []Column{c.column}})
		p.Parse(0, []byte("=\n"), &table)
		require.Equal(t, c.want, outcome(&table))
	}
}

// The reason is the first in order of precedence, that of a column the first in schema order.
func TestParser_Parse_GivesTheFirstReason(t *testing.T) {
	p := newParser(t, Definition{Pattern: `(?P<a>\d*) (?P<b>\w+)(?: (?P<c>\w+))?`, Columns: []Column{
		{Name: "c"}, {Name: "b", Type: Int32, Max: "5"}, {Name: "a", Type: Int32}}})
	data := "1 2 c\n1 x\n1 6 c\n x c\n? \xff\n?\n 2 c\n"
	var table Table
	p.Parse(100, []byte(data), &table)
	requireBalance(t, 100, []byte(data), &table)
	require.Equal(t, []string{
		"[100,106)|c|2|1",
		"[106,110) missing_field c the line does not have it",
		"[110,116) out_of_range b above 5",
		"[116,121) bad_type b not of type int32",
		"[121,125) invalid_utf8  at byte 2 of the line",
		"[125,127) no_match  ",
		"[127,132) bad_type a not of type int32",
		"skipped 0 0",
	}, outcome(&table))
}

func TestParser_Parse_SplitsLines(t *testing.T) {
	d, err := FromPattern(`(?P<all>.*)`)
	require.NoError(t, err)
	var table Table
	newParser(t, d).Parse(7, []byte("\n\r\na\nb\r\n\r\r\n \nc\rd\n\ne\r"), &table)
	require.Equal(t, []string{
		"[10,12)|a", "[12,15)|b", "[15,18)|\r", "[18,20)| ", "[20,24)|c\rd", "[25,27)|e\r",
		"skipped 3 4",
	}, outcome(&table))
}

func TestParser_Parse_MatchesWholeLines(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{`(?P<x>a|ab)`, []string{"a", "ab"}, []string{"abc", "ba"}},
		{`^(?P<x>a)$`, []string{"a"}, []string{"aa", "a\r"}},
		{`(?P<x>a)b|c`, []string{"ab", "c"}, []string{"a", "abc", "b"}},
		{`(?i)(?P<x>a)`, []string{"a", "A"}, []string{"b"}},
		{`(?P<x>a)\Q.`, []string{"a."}, []string{"ab", "a.)"}},
		{`(?m)^(?P<x>.)$`, []string{"a"}, []string{"ab"}},
		{`(?P<x>[^x]+)`, []string{"a\rb", "a\x00b"}, []string{"axb"}},
	} {
		d, err := FromPattern(c.pattern)
		require.NoError(t, err)
		p := newParser(t, d)
		for _, line := range slices.Concat(c.yes, c.no) {
			var table Table
			p.Parse(0, []byte(line), &table)
			require.Equal(t, slices.Contains(c.yes, line), len(table.Rejects) == 0, "%s %q", c.pattern, line)
		}
	}
}

// nullable has an optional column before others that can fail.
func nullable() Definition {
	return Definition{Pattern: `(?P<a>\S*)(?: (?P<b>\S+))?(?: (?P<c>\S+))?`, Columns: []Column{
		{Name: "b", Type: IP, Optional: true}, {Name: "c", Optional: true, MaxLength: 3},
		{Name: "a", Type: Int32, Max: "9"}}}
}

// drawLines makes lines that are nearly right, so that each outcome is common.
func drawLines(t *rapid.T) []byte {
	part := rapid.SampledFrom([]string{"2024-01-15T10:30:00Z", "1066-10-14T09:00:00Z", "INFO",
		"billing",
		": ", " ", "charge", "\n", "\r\n", "\n", "\xff", "é", "\r", "2024-01-15T10:30:00Z WARN x: y\n",
		"2024-01-15T10:30:00Z ERROR billing: no funds\r\n",
		"2024-01-15T10:30:00Z INFO : y\n", "2024-01-15T10:30:00Z NOTE x: y\n",
		"1\n", "2 ::1\n", "3 10.0.0.1 yes\n", "10\n", "11 ::1\n", "4 ::1 long\n", "x\n",
		`{"id":"a","request":{"status":1}}`, `{"id":"b","z":1,"request":{"status":2,"m":"GET"}}` + "\n",
		`{"id":"c"}`, `{"id":"\u0064","request":{"status":1e3}}` + "\n",
		`{"id":"e","id":"e"`, "}", "{}\n"})
	return []byte(strings.Join(rapid.SliceOfN(part, 0, 40).Draw(t, "parts"), ""))
}

func TestParser_Parse_DoesNotDependOnChunks(t *testing.T) {
	parsers := []*Parser{newPreset(t, "app"), newParser(t, nullable()),
		newParser(t, request(KeepUnknown)), newParser(t, request(RejectUnknown))}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(parsers).Draw(t, "parser")
		data := drawLines(t)
		offset := rapid.Int64Range(0, math.MaxInt64/2).Draw(t, "offset")
		var whole, reused Table
		parsers[0].Parse(0, data, &reused)
		parsers[1].Parse(0, data, &reused)
		parsers[2].Parse(0, data, &reused)
		p.Parse(offset, data, &whole)
		requireBalance(t, offset, data, &whole)

		var tables []*Table
		for at := 0; at < len(data); {
			n := 0
			for range rapid.IntRange(1, 5).Draw(t, "lines") {
				n += lineLength(data[at+n:])
			}
			p.Parse(offset+int64(at), data[at:at+n], &reused)
			requireBalance(t, offset+int64(at), data[at:at+n], &reused)
			part := new(Table)
			p.Parse(offset+int64(at), data[at:at+n], part)
			require.Equal(t, outcome(part), outcome(&reused))
			tables = append(tables, part)
			at += n
		}
		require.Equal(t, outcome(&whole), outcome(tables...))
	})
}

// lineLength is the length of the line that data begins with, line end included.
func lineLength(data []byte) int {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1
	}
	return len(data)
}

// requireBalance holds that rows, rejects and skipped lines are exactly the chunk, each in its
// place, and that the columns fit the rows.
func requireBalance(t require.TestingT, offset int64, data []byte, table *Table) {
	var rows, rejects int
	var skippedLines, skippedBytes int64
	for at := 0; at < len(data); {
		line := data[at:][:lineLength(data[at:])]
		here := offset + int64(at)
		switch {
		case string(line) == "\n" || string(line) == "\r\n":
			skippedLines++
			skippedBytes += int64(len(line))
		case rows < table.Rows() && table.Offsets[rows] == here:
			require.EqualValues(t, len(line), table.Lengths[rows])
			rows++
		default:
			require.Less(t, rejects, len(table.Rejects))
			require.Equal(t, here, table.Rejects[rejects].Offset)
			require.Equal(t, line, table.Rejects[rejects].Raw)
			require.Contains(t, reasons, table.Rejects[rejects].Reason)
			rejects++
		}
		at += len(line)
	}
	require.Equal(t, rows, table.Rows())
	require.Len(t, table.Lengths, rows)
	require.Len(t, table.Rejects, rejects)
	require.Equal(t, skippedLines, table.SkippedLines)
	require.Equal(t, skippedBytes, table.SkippedBytes)
	for i := range table.Columns {
		v := &table.Columns[i]
		require.Equal(t, rows, v.Len())
		requireVector(t, vectorText(v), v)
		if v.Type == String || v.Type == IP {
			require.EqualValues(t, len(v.Bytes), v.start(v.Len()))
		}
	}
}

func TestParser_Parse_DropsWhatTheTableHeld(t *testing.T) {
	other := newParser(t, one(Column{Type: Bool}))
	p := newParser(t, one(Column{Type: Int64, Optional: true, NullValues: []string{"-"}}))
	var table Table
	other.Parse(0, []byte("true\nx\n\n"), &table)
	for range 2 {
		p.Parse(0, []byte("x\n-\n\n"), &table)
		require.Equal(t, []string{"[2,4)|null", "[0,2) bad_type x not of type int64", "skipped 1 1"},
			outcome(&table))
	}
	p.Parse(0, []byte("1"), &table)
	require.Equal(t, []string{"[0,1)|1", "skipped 0 0"}, outcome(&table))
	require.Nil(t, table.Columns[0].Null)
}

// A column of a row that was given up at a later one keeps no mark of it.
func TestParser_Parse_ForgetsTheNullsOfARejectedRow(t *testing.T) {
	var table Table
	data := []byte("1 ::1 yes\n10\n2 ::2 no\n")
	newParser(t, nullable()).Parse(0, data, &table)
	require.Len(t, table.Rejects, 1)
	requireBalance(t, 0, data, &table)
	require.Nil(t, table.Columns[0].Null)
}

func TestParser_EventTime(t *testing.T) {
	require.Equal(t, 3, newPreset(t, "combined").EventTime())
	require.Equal(t, 0, newPreset(t, "app").EventTime())
	require.Equal(t, -1, newParser(t, nullable()).EventTime())
}

func TestParser_Parse_MayRunConcurrently(t *testing.T) {
	p := newPreset(t, "combined")
	data := generateCombined(200)
	var want Table
	p.Parse(0, data, &want)
	require.Equal(t, 200, want.Rows())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var table Table
			for range 10 {
				p.Parse(0, data, &table)
				if !slices.Equal(outcome(&want), outcome(&table)) {
					t.Error("another outcome")
				}
			}
		})
	}
	wg.Wait()
}

func FuzzParse(f *testing.F) {
	var parsers []*Parser
	for _, name := range Presets() {
		parsers = append(parsers, newPreset(f, name))
	}
	parsers = append(parsers, newParser(f, everything()), newParser(f, nullable()),
		newParser(f, request(KeepUnknown)), newParser(f, request(DropUnknown)))
	for i := range parsers {
		f.Add(uint8(i), generateCombined(1))
		f.Add(uint8(i), []byte("2024-01-15T10:30:00.123Z INFO billing.api: charge accepted\r\n\n\xff\r"))
		f.Add(uint8(i), []byte("1 ::1\n10 ::1 abc\n2\n3 ::1 long\n"))
		f.Add(uint8(i), []byte(`{"id":"a","request":{"status":1,"m":2},"log.level":"\u00e9"}`+"\n{}\n"))
		f.Add(uint8(i), []byte("1970-01-01 é 7\n1970-01-01 - x\n1970-01-02 < 10"))
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		p := parsers[int(which)%len(parsers)]
		var table Table
		p.Parse(5, data, &table)
		requireBalance(t, 5, data, &table)
		var lines []*Table
		for at := 0; at < len(data); {
			raw := data[at:][:lineLength(data[at:])]
			line := new(Table)
			p.Parse(5+int64(at), raw, line)
			requireExplained(t, p, raw, line)
			lines = append(lines, line)
			at += len(raw)
		}
		require.Equal(t, outcome(&table), outcome(lines...))
	})
}

// requireExplained holds that Explain says of a line what Parse does, with a place inside it.
func requireExplained(t require.TestingT, p *Parser, raw []byte, line *Table) {
	at, r, bad := p.Explain(raw)
	require.Equal(t, len(line.Rejects) > 0, bad)
	if bad {
		r.Offset = line.Rejects[0].Offset
		require.Equal(t, line.Rejects[0], r)
		require.LessOrEqual(t, at, len(trimLineEnd(raw)))
		require.GreaterOrEqual(t, at, 0)
	}
}
