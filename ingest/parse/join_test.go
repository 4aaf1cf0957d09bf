package parse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func framed(t require.TestingT, f Frame, inside Definition) *Parser {
	p, err := New(Framed(f, inside, nil))
	require.NoError(t, err)
	return p
}

// joinedOutcome is a row or a reject as a person would write it down.
type joinedOutcome struct {
	offset, size int
	text         string // of a row: stream, seconds and what is inside; of a reject its reason
}

// outcomes lists what t holds in the order of the source.
func joinedOutcomes(t *Table) (out []joinedOutcome, sum int64) {
	for i, off := range t.Offsets {
		out = append(out, joinedOutcome{int(off), int(t.Lengths[i]), fmt.Sprintf("%s %d %q",
			t.Columns[frameStream].Value(i), t.Columns[frameTime].Int64s[i]/1e6,
			t.Columns[len(t.Columns)-1].Value(i))})
		sum += int64(t.Lengths[i])
	}
	for _, r := range t.Rejects {
		out = append(out, joinedOutcome{int(r.Offset), len(r.Raw), string(r.Reason)})
		sum += int64(len(r.Raw))
	}
	slices.SortFunc(out, func(a, b joinedOutcome) int { return a.offset - b.offset })
	return out, sum + t.SkippedBytes
}

// modelLine is a line and what it is.
type modelLine struct {
	text   string // the line
	stream string // empty: no part
	last   bool
	inside string
	reason Reason // of a line that is no part
}

func drawLine(t *rapid.T, f Frame, second int) modelLine {
	l := modelLine{
		stream: rapid.SampledFrom([]string{"", "stdout", "stdout", "stderr"}).Draw(t, "stream"),
		last:   rapid.Bool().Draw(t, "last"),
		inside: rapid.SampledFrom([]string{"", "a", "bcd", "7", "\u20ac", "\"\\"}).Draw(t, "inside"),
	}
	at := time.Unix(int64(1e9+second), 5).UTC().Format(time.RFC3339Nano)
	switch {
	case l.stream == "" && f == CRI:
		l.text = rapid.SampledFrom([]string{"\n", "\r\n", "x\n", at + " stdout X y\n", at + " stdout P\n",
			at + " other F y\n", "\xff\n"}).Draw(t, "odd")
		l.reason = NoMatch
		if !utf8.ValidString(l.text) {
			l.reason = InvalidUTF8
		}
	case l.stream == "":
		l.text = rapid.SampledFrom([]string{"\n", "x\n", `{"log":"a"` + "\n"}).Draw(t, "odd")
		l.reason = BadJSON
	case f == CRI:
		tag := map[bool]string{true: "F", false: "P"}[l.last] +
			rapid.SampledFrom([]string{"", ":", ":x:y"}).Draw(t, "tags")
		l.text = at + " " + l.stream + " " + tag + " " + l.inside + "\n"
	default:
		log := l.inside
		if l.last {
			log += "\n"
		}
		body, _ := json.Marshal(log)
		l.text = `{"log":` + string(body) + `,"stream":"` + l.stream + `","time":"` + at + `"}` + "\n"
	}
	return l
}

// modelJoin joins lines as the documentation says it: what is inside is a row when it has letters
// only.
func modelJoin(lines []modelLine, rest [Streams]Rest, over bool) (
	out []joinedOutcome, skipped int64) {
	type record struct {
		joinedOutcome
		inside string
		second int
		stream string
		runs   [][2]int
	}
	open := map[string]*record{}
	rests := map[string]Reason{"stdout": rest[0].Reason, "stderr": rest[1].Reason}
	var all []*record
	off := 0
	for i, l := range lines {
		from, to := off, off+len(l.text)
		off = to
		switch {
		case strings.TrimRight(l.text, "\r\n") == "":
			skipped += int64(len(l.text))
			continue
		case l.stream == "":
			out = append(out, joinedOutcome{from, to - from, string(l.reason)})
			continue
		case rests[l.stream] != "":
			out = append(out, joinedOutcome{from, to - from, string(rests[l.stream])})
			if l.last {
				rests[l.stream] = ""
			}
			continue
		}
		r := open[l.stream]
		if r == nil {
			r = &record{joinedOutcome: joinedOutcome{offset: from}, second: int(1e9) + i, stream: l.stream}
			open[l.stream] = r
			all = append(all, r)
		}
		if n := len(r.runs); n > 0 && r.runs[n-1][1] == from {
			r.runs[n-1][1] = to
		} else {
			r.runs = append(r.runs, [2]int{from, to})
		}
		r.inside += l.inside
		r.size += len(l.text)
		if l.last {
			delete(open, l.stream)
		}
	}
	for _, r := range all {
		reason := Reason("")
		switch {
		case over && open[r.stream] == r:
			reason = TooLong
		case strings.Trim(r.inside, "abcd") != "":
			reason = NoMatch
		case r.inside == "":
			skipped += int64(r.size)
			continue
		default:
			r.text = fmt.Sprintf("%s %d %q", r.stream, r.second, r.inside)
			out = append(out, r.joinedOutcome)
			continue
		}
		for _, x := range r.runs {
			out = append(out, joinedOutcome{x[0], x[1] - x[0], string(reason)})
		}
	}
	slices.SortFunc(out, func(a, b joinedOutcome) int { return a.offset - b.offset })
	return out, skipped
}

func TestParser_ParseJoined_EqualsTheModel(t *testing.T) {
	inside := Definition{Pattern: `(?P<letters>[a-d]*)`, Columns: []Column{{Name: "letters"}}}
	parsers := map[Frame]*Parser{}
	for _, f := range []Frame{CRI, DockerJSON} {
		parsers[f] = framed(t, f, inside)
	}
	var table Table
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]Frame{CRI, DockerJSON}).Draw(t, "frame")
		var lines []modelLine
		data := ""
		for i := range rapid.IntRange(0, 20).Draw(t, "lines") {
			l := drawLine(t, f, i)
			lines, data = append(lines, l), data+l.text
		}
		in := Joined{Data: []byte(data), Over: rapid.Bool().Draw(t, "over")}
		for s := range in.Rest {
			in.Rest[s].Reason = rapid.SampledFrom([]Reason{"", "", Continued, TooLong}).Draw(t, "rest")
		}
		want, skipped := modelJoin(lines, in.Rest, in.Over)
		parsers[f].ParseJoined(in, &table)
		got, sum := joinedOutcomes(&table)
		require.Equal(t, want, got)
		require.Equal(t, skipped, table.SkippedBytes)
		require.Equal(t, int64(len(data)), sum)
		require.True(t, slices.IsSorted(table.Offsets))
		require.True(t, slices.IsSortedFunc(table.Rejects,
			func(a, b Reject) int { return int(a.Offset - b.Offset) }))
		for _, r := range table.Rejects {
			require.Equal(t, data[r.Offset:][:len(r.Raw)], string(r.Raw))
		}
		for _, c := range table.Columns {
			require.Equal(t, table.Rows(), c.Len())
		}
	})
}

// Groups end where no record is open, so parsing them one by one gives the same.
func TestParser_ParseJoined_GroupByGroup(t *testing.T) {
	p := framed(t, CRI, Definition{})
	rapid.Check(t, func(t *rapid.T) {
		data := ""
		for i := range rapid.IntRange(0, 20).Draw(t, "lines") {
			data += drawLine(t, CRI, i).text
		}
		var whole, one Table
		p.Parse(0, []byte(data), &whole)
		want, _ := joinedOutcomes(&whole)
		at := int64(0)
		var got []joinedOutcome
		for _, g := range append(slices.Clone(whole.Groups), Group{int64(len(data)), int64(len(data))}) {
			for _, cut := range []int64{g.Start, g.End} {
				p.Parse(at, []byte(data[at:cut]), &one)
				more, sum := joinedOutcomes(&one)
				require.Equal(t, cut-at, sum)
				got, at = append(got, more...), cut
			}
		}
		require.Equal(t, want, got)
	})
}

func TestParser_ParseJoined_Values(t *testing.T) {
	at := "2024-01-15T10:30:00.123456789Z "
	for _, c := range []struct {
		name, lines string
		inside      Definition
		want        []string
	}{
		{"a character that the parts cut in two", at + "stdout P \xe2\x82\n" + at + "stdout F \xac\n",
			Definition{}, []string{`stdout 1705314600 "€"`}},
		{"a character that lacks its end", at + "stdout F \xe2\x82\n",
			Definition{}, []string{"invalid_utf8"}},
		{"CRLF", at + "stdout P a\r\n" + at + "stdout F b\r\n", Definition{},
			[]string{`stdout 1705314600 "a\rb"`}},
		{"CRLF cut in two", at + "stdout P a\r\n" + at + "stdout F \n", Definition{},
			[]string{`stdout 1705314600 "a"`}},
		{"no last part", at + "stdout P a\r\n", Definition{}, []string{`stdout 1705314600 "a\r"`}},
		{"no line end", at + "stdout F a\r", Definition{}, []string{`stdout 1705314600 "a\r"`}},
		{"nothing inside", at + "stderr F \n", Definition{}, []string{`stderr 1705314600 ""`}},
		{"a day that is none", "2024-02-30T10:30:00Z stdout F a\n", Definition{},
			[]string{"bad_timestamp"}},
		{"a time outside the window", "1970-01-01T00:00:00Z stdout F a\n", Definition{},
			[]string{"out_of_range"}},
		{"an offset", "2024-01-15T11:30:00.1+01:00 stdout F a\n", Definition{},
			[]string{`stdout 1705314600 "a"`}},
	} {
		var table Table
		framed(t, CRI, c.inside).Parse(0, []byte(c.lines), &table)
		out, _ := joinedOutcomes(&table)
		var got []string
		for _, o := range out {
			got = append(got, o.text)
		}
		require.Equal(t, c.want, got, c.name)
	}
}

func TestParser_DockerJSON_Reasons(t *testing.T) {
	p := framed(t, DockerJSON, Definition{})
	const tail = `"stream":"stdout","time":"2024-01-15T10:30:00Z"}`
	for line, want := range map[string]string{
		`{"log":"a\n",` + tail:                                     "",
		`{"log":"a\n","attrs":{"x":"y"},` + tail:                   "",
		`{"log":"a\n","attrs":null,` + tail:                        "",
		`{"log":"a\n","attrs":7,` + tail:                           "bad_type attrs",
		`{"log":"a\n","more":7,` + tail:                            "unknown_field more",
		`{"log":"a\n","log":"b",` + tail:                           "duplicate_field log",
		`{"log":7,` + tail:                                         "bad_type log",
		`{` + tail:                                                 "missing_field log",
		`{"log":"a\n"}`:                                            "missing_field time",
		`{"log":"a\n","stream":"x","time":"2024-01-15T10:30:00Z"}`: "not_in_set stream",
		`{"log":"a\n","stream":"stderr","time":"soon"}`:            "bad_timestamp time",
		`{"log":"a\n","stream":"stderr","time":1}`:                 "bad_type time",
		`{"log":"a\n` + "\xff" + `",` + tail:                       "invalid_utf8 ",
		`a`:                                                        "bad_json ",
	} {
		var table Table
		p.Parse(0, []byte(line+"\n"), &table)
		got := ""
		for _, r := range table.Rejects {
			got = string(r.Reason) + " " + r.Field
			at, why, ok := p.Explain(r.Raw)
			require.True(t, ok, line)
			require.Equal(t, r.Reason, why.Reason)
			require.LessOrEqual(t, at, len(line))
		}
		require.Equal(t, want, got, line)
	}
}

func TestEndsInNewline(t *testing.T) {
	for text, want := range map[string]bool{"": false, "n": false, `\n`: true, `\\n`: false,
		`\\\n`:    true,
		`a\u000a`: true, `a\u000A`: true, `\\u000a`: false, `u000a`: false, `\t`: false} {
		require.Equal(t, want, endsInNewline([]byte(text)), text)
	}
}

// The byte that is shown is one of the line, behind what the frame has before it.
func TestParser_Explain_OfAFrame(t *testing.T) {
	const at = "2024-01-15T10:30:00Z stdout "
	inner := Definition{Kind: JSON, Columns: []Column{{Name: "n", Type: Int32}}}
	for _, c := range []struct {
		frame Frame
		lines string
		want  string // the byte at fault and what follows
	}{
		{CRI, at + `F {"n":x}`, `x}`},
		{CRI, at + `F {"n":"x"}` + "\n", `"x"}` + "\n"},
		{CRI, at + `P {"n"` + "\n" + at + `F :x}` + "\n", "x}\n"},
		{CRI, at + `P {"n":1` + "\n" + at + `F ,"n":2}` + "\n", `"n":2}` + "\n"},
		{CRI, at + `X {}`, `X {}`},
		{CRI, "2024-01-15 10:30:00Z stdout F x", " 10:30:00Z stdout F x"},
		{CRI, at, ""},
		{DockerJSON, `{"log":"{\"n\":x}\n","stream":"stdout","time":"2024-01-15T10:30:00Z"}`,
			`x}\n","stream":"stdout","time":"2024-01-15T10:30:00Z"}`},
		{DockerJSON, `{"log":"{\"n\":1}\n","stream":"stdout","time":"soon"}`, `soon"}`},
		{DockerJSON, `{"log":"{\"n\":1}\n","stream":"stdout"}`, `}`},
	} {
		got, _, ok := framed(t, c.frame, inner).Explain([]byte(c.lines))
		require.True(t, ok, c.lines)
		require.Equal(t, c.want, c.lines[got:], c.lines)
	}
}

func TestFramed_Refuses(t *testing.T) {
	d := Framed(CRI, Definition{}, nil)
	for want, change := range map[string]func(*Definition){
		"there is no frame 9":      func(d *Definition) { d.Frame = 9 },
		"columns of the frame":     func(d *Definition) { d.Columns = d.Columns[:1] },
		`column "stream": want it`: func(d *Definition) { d.Columns[1].Optional = true },
		"no more than case":        func(d *Definition) { d.Columns[0].Name = "Message" },
		"there is another event":   func(d *Definition) { d.Columns[2] = d.Columns[0] },
	} {
		x := d.Canonical()
		change(&x)
		require.ErrorContains(t, x.Validate(), want)
	}
	_, err := New(Framed(CRI, Definition{Pattern: `(?P<time>.*)`}, nil))
	require.ErrorContains(t, err, `group "time" is no column`)
}

func FuzzParser_ParseJoined(f *testing.F) {
	const at = "2024-01-15T10:30:00Z "
	f.Add(uint8(0), []byte(at+"stdout P a\n"+at+"stderr F b\n"+at+"stdout F c\n\nx\n"), uint8(0))
	f.Add(uint8(1), []byte(at+`stdout F {"n":1,"x":[]}`), uint8(5))
	f.Add(uint8(2), []byte(`{"log":"a\u000a","stream":"stderr","time":"2024-01-15T10:30:00Z"}`), uint8(3))
	f.Add(uint8(3), []byte(`{"log":"{\"n\":1}\n","stream":"stdout","time":"","attrs":{}}`), uint8(9))
	inner := Definition{Kind: JSON, Columns: []Column{{Name: "n", Type: Int32, Optional: true}}}
	parsers := []*Parser{framed(f, CRI, Definition{}), framed(f, CRI, inner),
		framed(f, DockerJSON, Definition{}), framed(f, DockerJSON, inner)}
	var table Table
	f.Fuzz(func(t *testing.T, which uint8, data []byte, bits uint8) {
		p := parsers[which%4]
		in := Joined{Data: data, Over: bits&1 > 0}
		for s := range in.Rest {
			in.Rest[s].Reason = []Reason{"", Continued, TooLong, ""}[bits>>(1+2*s)&3]
		}
		p.ParseJoined(in, &table)
		_, sum := joinedOutcomes(&table)
		require.Equal(t, int64(len(data)), sum)
		require.True(t, slices.IsSorted(table.Offsets))
		for _, r := range table.Rejects {
			require.Equal(t, data[r.Offset:][:len(r.Raw)], r.Raw)
			if at, _, ok := p.Explain(r.Raw); ok {
				require.LessOrEqual(t, at, len(r.Raw))
				require.GreaterOrEqual(t, at, 0)
			}
		}
	})
}
