package parse

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// oneMember gives a definition of JSON whose only column is c, read from x.
func oneMember(c Column) Definition {
	c.Name = "x"
	return Definition{Kind: JSON, UnknownKeys: DropUnknown, Columns: []Column{c}}
}

// parseLine parses one line and prints its values, or the reject.
func parseLine(t testing.TB, d Definition, line string) string {
	p := newParser(t, d)
	var table Table
	p.Parse(0, []byte(line), &table)
	requireBalance(t, 0, []byte(line), &table)
	requireExplained(t, p, []byte(line), &table)
	if len(table.Rejects) > 0 {
		r := table.Rejects[0]
		return fmt.Sprintf("%s %s: %s", r.Reason, r.Field, r.Detail)
	}
	var values []string
	for i := range table.Columns {
		values = append(values, rowText(&table.Columns[i], 0))
	}
	return strings.Join(values, "|")
}

func TestParser_Parse_TakesJSONByType(t *testing.T) {
	const tooLarge = "bad_type x: not of type int64"
	stamp := Column{Type: Timestamp, EventTime: true}
	for _, c := range []struct {
		column      Column
		value, want string
	}{
		{Column{}, `"a\u0000\té"`, "a\x00\té"},
		{Column{}, `""`, ""},
		{Column{}, `"\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00"`, "\"\\/\b\f\n\r\té€😀"},
		{Column{}, `7`, "bad_type x: a JSON number is not of type string"},
		{Column{}, `true`, "bad_type x: a JSON bool is not of type string"},
		{Column{}, `{"a":1}`, "bad_type x: a JSON object is not of type string"},
		{Column{}, `["a"]`, "bad_type x: a JSON array is not of type string"},
		{Column{}, `null`, "missing_field x: it is null"},
		{Column{Optional: true}, `null`, "null"},
		{Column{Type: Int64}, `9007199254740993`, "9007199254740993"},
		{Column{Type: Int64}, `9223372036854775807`, "9223372036854775807"},
		{Column{Type: Int64}, `-9223372036854775808`, "-9223372036854775808"},
		{Column{Type: Int64}, `9223372036854775808`, tooLarge},
		{Column{Type: Int64}, `-0`, "0"},
		{Column{Type: Int64}, `1e3`, tooLarge},
		{Column{Type: Int64}, `1.0`, tooLarge},
		{Column{Type: Int64}, `"7"`, "bad_type x: a JSON string is not of type int64"},
		{Column{Type: Int64, Min: "7"}, `6`, "out_of_range x: below 7"},
		{Column{Type: Int64, Enum: []string{"7"}}, `8`, "not_in_set x: not in enum"},
		{Column{Type: Int32}, `2147483647`, "2147483647"},
		{Column{Type: Int32}, `2147483648`, "bad_type x: not of type int32"},
		{Column{Type: Float64}, `7`, "7"},
		{Column{Type: Float64}, `-2.5E-1`, "-0.25"},
		{Column{Type: Float64}, `1e309`, "bad_type x: not of type float64"},
		{Column{Type: Float64}, `"1"`, "bad_type x: a JSON string is not of type float64"},
		{Column{Type: Float64, Max: "1"}, `1.1`, "out_of_range x: above 1"},
		{Column{Type: Bool}, `true`, "true"},
		{Column{Type: Bool}, `false`, "false"},
		{Column{Type: Bool}, `1`, "bad_type x: a JSON number is not of type bool"},
		{Column{Type: Bool}, `"true"`, "bad_type x: a JSON string is not of type bool"},
		{Column{Type: IP}, `"2001:DB8::1"`, "2001:db8::1"},
		{Column{Type: IP}, `1`, "bad_type x: a JSON number is not of type ip"},
		{Column{Type: IP, Enum: []string{"::1"}}, `"::2"`, "not_in_set x: not in enum"},
		{Column{Type: Date}, `"1970-01-02"`, "1"},
		{Column{Type: Date}, `"1970-13-02"`, "bad_type x: not of type date"},
		{Column{Type: Duration}, `"1.5s"`, "1500000000"},
		{Column{Type: Duration}, `1.5`, "bad_type x: a JSON number is not of type duration"},
		{stamp, `"2024-01-15T10:30:00Z"`, "1705314600000000"},
		{stamp, `"2024-01-15T10:30:00\u005a"`, "1705314600000000"},
		{stamp, `"yesterday"`, "bad_timestamp x: not of layout rfc3339"},
		{stamp, `1705314600`, "bad_type x: a JSON number is not of layout rfc3339"},
		{stamp, `"1989-12-31T23:59:59Z"`, "out_of_range x: outside the time window"},
		{Column{Type: Timestamp, Layout: LayoutEpochS}, `1705314600`, "1705314600000000"},
		{Column{Type: Timestamp, Layout: LayoutEpochS}, `1705314600.1234567`, "1705314600123456"},
		{Column{Type: Timestamp, Layout: LayoutEpochS}, `"1705314600"`, "1705314600000000"},
		{Column{Type: Timestamp, Layout: LayoutEpochS}, `1.7e9`,
			"bad_timestamp x: not of layout epoch_s"},
		{Column{Type: Timestamp, Layout: LayoutEpochS}, `true`,
			"bad_type x: a JSON bool is not of layout epoch_s"},
		{Column{Type: Timestamp, Layout: LayoutEpochMS}, `1705314600123`, "1705314600123000"},
		{Column{Type: Timestamp, Layout: "2006-01-02 15:04:05", Zone: "+02:00"},
			`"1970-01-01 02:00:01"`, "1000000"},
		{Column{Enum: []string{"é"}}, `"\u00e9"`, "é"},
		{Column{Enum: []string{"a"}}, `"b"`, "not_in_set x: not in enum"},
		{Column{MaxLength: 2}, `"\ud83d\ude00é"`, "😀é"},
		{Column{MaxLength: 1}, `"\ud83d\ude00é"`, "bad_length x: longer than 1"},
		{Column{MinLength: 1}, `""`, "bad_length x: shorter than 1"},
		{Column{Pattern: `a\n`}, `"a\n"`, "a\n"},
		{Column{Pattern: `a`}, `"ab"`, "bad_pattern x: does not match the column's pattern"},
		{Column{Optional: true, NullValues: []string{"-", ""}}, `"-"`, "null"},
		{Column{Optional: true, NullValues: []string{"-", ""}}, `"\u002d"`, "null"},
		{Column{Optional: true, NullValues: []string{"-", ""}}, `""`, "null"},
		{Column{Type: Int64, Optional: true, NullValues: []string{"-1"}}, `-1`, "null"},
		{Column{Type: Int64, Optional: true, NullValues: []string{"-"}}, `"-"`, "null"},
		{Column{Type: Int64, NullValues: []string{"-"}}, `"-"`,
			"missing_field x: its text means null"},
		{Column{Type: Int64, Optional: true, NullValues: []string{"null"}}, `"null"`, "null"},
	} {
		for _, line := range []string{`{"x":` + c.value + `}`,
			"\t{ \"other\" : [ { } ] , \"\\u0078\" :\r " + c.value + " } \r"} {
			require.Equal(t, c.want, parseLine(t, oneMember(c.column), line), "%+v %s", c.column, line)
		}
	}
}

func TestParser_Parse_SaysWhereJSONFails(t *testing.T) {
	d := oneMember(Column{Optional: true})
	for line, want := range map[string]string{ // with ^ before the byte at fault
		`^x`:                      "want an object",
		` ^`:                      "want an object",
		`^[]`:                     "want an object",
		`^"x"`:                    "want an object",
		"^\ufeff{}":               "want an object",
		`{} ^{}`:                  "want nothing after the object",
		`{}^,`:                    "want nothing after the object",
		`{^`:                      "want the name of a member",
		`{^,}`:                    "want the name of a member",
		`{^x:1}`:                  "want the name of a member",
		`{"x":1,^}`:               "want the name of a member",
		`{"x":1, ^`:               "want the name of a member",
		`{"x"^}`:                  "want a colon",
		`{"x":^}`:                 "want a value",
		`{"x":^`:                  "want a value",
		`{"x":^NaN}`:              "want a value",
		`{"x":^.5}`:               "want a value",
		`{"x":^+1}`:               "want a value",
		`{"x":-^}`:                "want a digit",
		`{"x":-^a}`:               "want a digit",
		`{"x":1.^}`:               "want a digit",
		`{"x":1e^}`:               "want a digit",
		`{"x":1e+^}`:              "want a digit",
		`{"x":0^1}`:               "want a comma or a closing brace",
		`{"x":1^_0}`:              "want a comma or a closing brace",
		`{"x":1^`:                 "want a comma or a closing brace",
		`{"x":1^]}`:               "want a comma or a closing brace",
		`{"x":1 ^"y":2}`:          "want a comma or a closing brace",
		`{"x":tr^e}`:              "want true",
		`{"x":fals^`:              "want false",
		`{"x":nul^}`:              "want null",
		`{"x":^Null}`:             "want a value",
		`{"x":[^`:                 "want a value",
		`{"x":[1^`:                "want a comma or a closing bracket",
		`{"x":[1^}}`:              "want a comma or a closing bracket",
		`{"x":[1,^]}`:             "want a value",
		`{"x":"a^`:                "want a closing quote",
		`{"x^`:                    "want a closing quote",
		`{"x":"^\`:                "want an escape that JSON has, surrogates in pairs",
		`{"x":"^\x41"}`:           "want an escape that JSON has, surrogates in pairs",
		`{"x":"^\u00g0"}`:         "want an escape that JSON has, surrogates in pairs",
		`{"x":"^\ud800"}`:         "want an escape that JSON has, surrogates in pairs",
		`{"x":"^\ud800\ud800"}`:   "want an escape that JSON has, surrogates in pairs",
		`{"x":"^\udc00\udc00"}`:   "want an escape that JSON has, surrogates in pairs",
		`{"x":"^\ud800x\udc00"}`:  "want an escape that JSON has, surrogates in pairs",
		`{"x":"a^\udc00"}`:        "want an escape that JSON has, surrogates in pairs",
		`{"^\udc00":1}`:           "want an escape that JSON has, surrogates in pairs",
		"{\"x\":\"12345678^\x1f":  "want no control characters in a string",
		"{\"x\":\"^\t\"}":         "want no control characters in a string",
		"{\"x^\x00\":1}":          "want no control characters in a string",
		"{\"x\":^\x00}":           "want a value",
		nested(64, `^`) + `[]`:    "want no more than 64 objects and arrays in each other",
		nested(64, ``) + `^[1]`:   "want no more than 64 objects and arrays in each other",
		nested(3000, ``):          "want no more than 64 objects and arrays in each other",
		nested(64, `^`) + `{"x":`: "want no more than 64 objects and arrays in each other",
		nested(64, ``) + `1^`:     "want a comma or a closing bracket",
	} {
		at := strings.Index(line, "^")
		if at < 0 {
			at = len(`{"":`) + 63
		}
		line = strings.Replace(line, "^", "", 1)
		require.Equal(t, fmt.Sprintf("bad_json : at byte %d of the line: %s", at, want),
			parseLine(t, d, line), line)
		where, _, ok := newParser(t, d).Explain([]byte(line))
		require.True(t, ok)
		require.Equal(t, at, where, line)
	}
	require.Equal(t, "invalid_utf8 : at byte 6 of the line", parseLine(t, d, "{\"x\":\"\xff"))
	deepest := nested(64, "") + "1" + strings.Repeat("]", 63) + "}"
	require.Equal(t, "null", parseLine(t, d, deepest))
}

// nested is the beginning of an object and arrays, so many in all, and what comes then.
func nested(depth int, then string) string {
	return `{"":` + strings.Repeat("[", depth-1) + then
}

// request has columns in objects, before and after others.
func request(u UnknownKeys) Definition {
	return Definition{Kind: JSON, UnknownKeys: u, Columns: []Column{
		{Name: "status", Type: Int32, Key: "request.status"},
		{Name: "id"},
		{Name: "agent", Key: "request.headers.user agent", Optional: true},
		{Name: "level", Key: `log\.level`, Optional: true},
		{Name: "log.file", Optional: true},
	}}
}

func TestParser_Parse_FindsKeys(t *testing.T) {
	d := request(KeepUnknown)
	for line, want := range map[string]string{
		`{"request":{"status":200},"id":"a"}`:                              "200|a|null|null|null|null",
		`{"id":"a","request":{"headers":{"user agent":"x"},"status":200}}`: "200|a|x|null|null|null",
		`{"id":"a","request":{"status":200,"headers":null}}`:               "200|a|null|null|null|null",
		`{"id":"a","request":{"status":200,"headers":{}}}`:                 "200|a|null|null|null|null",
		`{"id":"a","request":{"status":200},"log.level":"L","log":{"file":"F"}}`: "200|a|null|L|F|" +
			"null",
		// What no column reads is kept with what it lies in.
		`{"id":"a","request":{"status":200},"log":{"level":"L"},"log.file":"F"}`: `200|a|null|null|` +
			`null|{"log":{"level":"L"},"log.file":"F"}`,
		`{"z" : [ 1,  2 ],"id":"a","request":{ "m": "G\u0045T" ,"status":200,"n":1E5},` +
			`"\u0061":{}}`: `200|a|null|null|null|{"z":[ 1,  2 ],"request":` +
			`{"m":"G\u0045T","n":1E5},"\u0061":{}}`,
		`{"id":"a","request":{"headers":{"Host":"h","user agent":"x"},"status":200},"y":null}`: `200|` +
			`a|x|null|null|{"request":{"headers":{"Host":"h"}},"y":null}`,
		`{"id":"a","request":{"status":200,"headers":{"":{"":""}}},"":0}`: `200|a|null|null|null|` +
			`{"request":{"headers":{"":{"":""}}},"":0}`,
		`{"ID":"b","id":"a","request":{"status":200}}`: `200|a|null|null|null|{"ID":"b"}`,
	} {
		require.Equal(t, want, parseLine(t, d, line), line)
	}
	drop := request(DropUnknown)
	require.Equal(t, "200|a|null|null|null",
		parseLine(t, drop, `{"id":"a","z":{"y":1},"request":{"y":1,"status":200}}`))
}

// The reason is that of the first column in schema order; members without one come after.
func TestParser_Parse_GivesTheFirstReasonOfJSON(t *testing.T) {
	for _, c := range []struct {
		unknown UnknownKeys
		line    string // with ^ before the byte at fault, which is % below
		want    string
	}{
		{KeepUnknown, `{^}`, "missing_field status: the line does not have it"},
		{KeepUnknown, `{"request":{"a":1 ^},"id":1}`, "missing_field status: the line does not have it"},
		{KeepUnknown, `{"request":^null,"id":1}`, "missing_field status: the line does not have it"},
		{KeepUnknown, `{"request":{"status":^null},"id":1}`, "missing_field status: it is null"},
		{KeepUnknown, `{"request":^"GET /","id":1}`,
			"bad_type status: request is a JSON string, not an object"},
		{KeepUnknown, `{"id":"a","request":{"status":1,"headers":^[{"user agent":"x"}]}}`,
			"bad_type agent: request.headers is a JSON array, not an object"},
		{KeepUnknown, `{"id":"a","request":{"status":1},"log":^1}`,
			"bad_type log.file: log is a JSON number, not an object"},
		{KeepUnknown, `{"id":1,"request":{"status":^"1"}}`,
			"bad_type status: a JSON string is not of type int32"},
		{KeepUnknown, `{"id":^1,"request":{"status":1}}`,
			"bad_type id: a JSON number is not of type string"},
		{KeepUnknown, `{"id":"a","request":{"status":1,^"status":"1"}}`,
			"duplicate_field status: request.status stands twice, again at byte % of the line"},
		{KeepUnknown, `{"id":1,^"\u0069d":"a","request":{"status":1}}`,
			"duplicate_field id: id stands twice, again at byte % of the line"},
		{KeepUnknown, `{"id":null,^"id":null,"id":1,"request":{"status":1}}`,
			"duplicate_field id: id stands twice, again at byte % of the line"},
		{KeepUnknown, `{"id":"a","request":{"status":1},^"request":{}}`,
			"duplicate_field status: request stands twice, again at byte % of the line"},
		{KeepUnknown, `{"id":"a","request":{^},"request":{}}`,
			"missing_field status: the line does not have it"},
		{KeepUnknown, `{"log":1,^"log":2,"id":"a","request":{"status":1}}`,
			"duplicate_field log.file: log stands twice, again at byte % of the line"},
		{KeepUnknown, `{"z":1,^"\u007a":2,"id":"a","request":{"status":1}}`,
			"duplicate_field z: a name stands twice, again at byte % of the line"},
		{DropUnknown, `{"id":"a","request":{"z":1,"status":1,^"z":1}}`,
			"duplicate_field request.z: a name stands twice, again at byte % of the line"},
		{DropUnknown, `{"id":"a","z":[0,{"a.b":{"c":1,^"c":2}}],"request":{"status":1}}`,
			"duplicate_field z: a name stands twice, again at byte % of the line"},
		{DropUnknown, `{"z":1,"z":1,"id":^1,"request":{"status":1}}`,
			"bad_type id: a JSON number is not of type string"},
		{RejectUnknown, `{"id":"a",^"ID":1,"ID":1,"request":{"status":1}}`,
			"unknown_field ID: no column reads it, at byte % of the line"},
		{RejectUnknown, `{"id":"a","request":{"status":1,^"a.b\\":{"c":1,"c":1}}}`,
			`unknown_field request.a\.b\\: no column reads it, at byte % of the line`},
		{RejectUnknown, `{"id":"a",^"":1,"request":{"status":1}}`,
			"unknown_field : no column reads it, at byte % of the line"},
		{RejectUnknown, `{"y":1,"id":^1,"request":{"status":1}}`,
			"bad_type id: a JSON number is not of type string"},
	} {
		at := strings.Index(c.line, "^")
		line := c.line[:at] + c.line[at+1:]
		want := strings.Replace(c.want, "%", fmt.Sprint(at), 1)
		require.Equal(t, want, parseLine(t, request(c.unknown), line), line)
		where, _, _ := newParser(t, request(c.unknown)).Explain([]byte(line + "\r\n"))
		require.Equal(t, at, where, line)
	}
	row := `{"id":"a","request":{"status":1},"log":{"file":"F"},"log.level":"L"}`
	require.Equal(t, "1|a|null|L|F", parseLine(t, request(RejectUnknown), row))
}

func TestParser_Parse_ClipsTheKeyOfAField(t *testing.T) {
	for n := range 4 {
		name := strings.Repeat("x", 196+n) + "😀😀"
		var table Table
		newParser(t, request(RejectUnknown)).Parse(0,
			[]byte(`{"id":"a","request":{"status":1},"`+name+`":1}`), &table)
		field := table.Rejects[0].Field
		require.True(t, utf8.ValidString(field))
		require.True(t, strings.HasPrefix(name, strings.TrimSuffix(field, "…")))
		require.LessOrEqual(t, len(field), fieldMax+len("…"))
	}
}

func TestParser_Parse_TakesManyKeysAndThenFew(t *testing.T) {
	p := newParser(t, request(KeepUnknown))
	var line bytes.Buffer
	line.WriteString(`{"id":"a","request":{"status":1`)
	for i := range 100_000 {
		fmt.Fprintf(&line, `,"\u006b%d":{}`, i)
	}
	line.WriteString("}}")
	var table Table
	p.Parse(0, line.Bytes(), &table)
	require.Equal(t, 1, table.Rows())
	// What a long line needed does not cost the short ones after it.
	small := []byte(`{"id":"a","request":{"status":1}}` + "\n")
	p.Parse(0, bytes.Repeat(small, 50_000), &table)
	require.Equal(t, 50_000, table.Rows())
}

func TestParser_Parse_JSONCostsNoMemoryPerLine(t *testing.T) {
	p := newParser(t, request(KeepUnknown))
	line := `{"id":"a\u0041","request":{"status":1,"headers":{"user agent":"x","\u0061":1}},"z":[{}]}`
	data := []byte(strings.Repeat(line+"\n", 1000))
	var table Table
	p.Parse(0, data, &table)
	require.Equal(t, 1000, table.Rows())
	require.Less(t, testing.AllocsPerRun(5, func() { p.Parse(0, data, &table) }), 10.0)
}
