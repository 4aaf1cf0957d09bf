package parse

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// reference is what encoding/json says of a line, made as strict as we are: a tree of objects in
// their order, ok false if the line is not one object. Twice tells of a name that stands twice.
func reference(line []byte) (root object, twice, ok bool) {
	if !utf8.Valid(line) || !json.Valid(line) || !pairedSurrogates(line) {
		return root, false, false
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	v, twice, ok := readValue(d, 0)
	root, isObject := v.(object)
	if !ok || !isObject {
		return root, twice, false
	}
	_, err := d.Token()
	return root, twice, err == io.EOF
}

// object is an object of a reference, in the order of the line.
type object struct {
	names  []string
	values []any // string, json.Number, bool, nil, object, []any
}

func (o object) get(name string) (any, bool) {
	if i := slices.Index(o.names, name); i >= 0 {
		return o.values[i], true
	}
	return nil, false
}

func readValue(d *json.Decoder, depth int) (v any, twice, ok bool) {
	token, err := d.Token()
	if err != nil {
		return nil, false, false
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return token, false, true
	}
	if depth == maxDepth {
		return nil, false, false
	}
	var o object
	list := []any{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return nil, twice, false
			}
			twice = twice || slices.Contains(o.names, name.(string))
			o.names = append(o.names, name.(string))
		}
		v, again, ok := readValue(d, depth+1)
		if !ok {
			return nil, false, false
		}
		twice = twice || again
		o.values, list = append(o.values, v), append(list, v)
	}
	_, err = d.Token()
	if delim == '{' {
		return o, twice, err == nil
	}
	return list, twice, err == nil
}

// pairedSurrogates looks at the escapes of valid JSON, where backslashes are in strings only.
func pairedSurrogates(line []byte) bool {
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' {
			continue
		}
		i++
		if line[i] != 'u' {
			continue
		}
		unit := func(at int) uint64 {
			if at+6 > len(line) || line[at] != '\\' || line[at+1] != 'u' {
				return 0
			}
			n, _ := strconv.ParseUint(string(line[at+2:at+6]), 16, 16)
			return n
		}
		switch n := unit(i - 1); {
		case n >= 0xdc00 && n <= 0xdfff:
			return false
		case n >= 0xd800 && n <= 0xdbff:
			if low := unit(i + 5); low < 0xdc00 || low > 0xdfff {
				return false
			}
			i += 6
		}
		i += 4
	}
	return true
}

// optional makes every column optional, so that rows tell values apart from none.
func optional(u UnknownKeys) Definition {
	return Definition{Kind: JSON, UnknownKeys: u, Columns: []Column{
		{Name: "s", Optional: true},
		{Name: "n", Type: Int64, Optional: true},
		{Name: "f", Type: Float64, Optional: true, Key: "o.f"},
		{Name: "b", Type: Bool, Optional: true, Key: `o.p.b\.`},
	}}
}

// expect says what a line is under optional: the reason of a reject, or the values.
func expect(root object, twice bool, u UnknownKeys) (reason Reason, values []any) {
	if twice {
		return DuplicateField, nil // or another fault of a column before it
	}
	in := func(v any, ok bool, name string) (any, bool) {
		o, isObject := v.(object)
		if !ok || v == nil {
			return nil, true
		}
		if !isObject {
			return nil, false
		}
		v, _ = o.get(name)
		return v, true
	}
	s, _ := root.get("s")
	n, _ := root.get("n")
	o, ok := root.get("o")
	f, ok1 := in(o, ok, "f")
	p, ok2 := in(o, ok, "p")
	b, ok3 := in(p, ok2, "b.")
	if !ok1 || !ok2 || !ok3 {
		return BadType, nil
	}
	values = []any{s, n, f, b}
	for i, v := range values {
		switch x := v.(type) {
		case nil:
		case string:
			ok = i == 0
		case bool:
			ok = i == 3
		case json.Number:
			if i == 1 {
				values[i], ok = parseInt([]byte(x))
			} else {
				number, err := strconv.ParseFloat(string(x), 64)
				values[i], ok = number, i == 2 && err == nil
			}
		default:
			ok = false
		}
		if v != nil && !ok {
			return BadType, nil
		}
	}
	if u == RejectUnknown && !isEmpty(rest(root)) {
		return UnknownField, nil
	}
	return "", values
}

// rest is what no column of optional reads.
func rest(root object) object {
	prune := func(o object, drop []string, inner string, by func(object) object) (out object) {
		for i, name := range o.names {
			v := o.values[i]
			if slices.Contains(drop, name) {
				continue
			}
			if name == inner {
				inside, isObject := v.(object)
				if inside = by(inside); !isObject || isEmpty(inside) {
					continue
				}
				v = inside
			}
			out.names, out.values = append(out.names, name), append(out.values, v)
		}
		return out
	}
	return prune(root, []string{"s", "n"}, "o", func(o object) object {
		return prune(o, []string{"f"}, "p", func(p object) object {
			return prune(p, []string{"b."}, "", nil)
		})
	})
}

func isEmpty(o object) bool { return len(o.names) == 0 }

// rowValue is row 0 of a column.
func rowValue(v *Vector) any {
	switch {
	case v.IsNull(0):
		return nil
	case v.Type == String:
		return string(v.Value(0))
	case v.Type == Int64:
		return v.Int64s[0]
	case v.Type == Float64:
		return v.Float64s[0]
	}
	return v.Bools[0]
}

// What encoding/json takes, made as strict as the documentation, is what we take, with the same
// values; what no column reads is all in ExtraName.
func FuzzJSON(f *testing.F) {
	var parsers []*Parser
	for u := KeepUnknown; u <= RejectUnknown; u++ {
		parsers = append(parsers, newParser(f, optional(u)))
	}
	for _, line := range []string{`{}`,
		` { "s" : "a\u00e9\ud83d\ude00\n" , "n" : -12, "o": {"f":1.5e3}}`,
		`{"o":{"x":[1,{"y":null}],"p":{"b.":true,"z":"\\"}},"q":{}}`, `{"s":"a","s":"b"}`,
		`{"o":null,"n":9007199254740993,"\u0073":"x"}`, `{"o":[1]}`, `{"a":{"b":1,"\u0062":2}}`,
		`{"s":"\ud800"}`, `[1]`, `{"n":01}`, `{"f":tru}`, nested(64, "]"), "{\"s\":\"\x7f\"}",
		`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":0,"k":1,"l":2,"m":3,"p":1,"q":1,` +
			`"r":1,"t":1,"u":1,"v":1,"r":2}`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.ReplaceAll(line, []byte("\n"), []byte(" "))
		if len(trimLineEnd(line)) == 0 {
			return
		}
		root, twice, ok := reference(line)
		for u, p := range parsers {
			var table Table
			p.Parse(0, line, &table)
			requireBalance(t, 0, line, &table)
			requireExplained(t, p, line, &table)
			want, values := expect(root, twice, UnknownKeys(u))
			switch {
			case !utf8.Valid(line):
				want = InvalidUTF8
			case !ok:
				want = BadJSON
			}
			if want != "" {
				require.Len(t, table.Rejects, 1, "want %s of %s", want, line)
				if have := table.Rejects[0].Reason; want != DuplicateField || have == BadJSON {
					require.Equal(t, want, have, "%s", line)
				}
				continue
			}
			require.Equal(t, 1, table.Rows(), "%s: %+v", line, table.Rejects)
			for i, v := range values {
				require.Equal(t, v, rowValue(&table.Columns[i]), "%s", line)
			}
			if UnknownKeys(u) == KeepUnknown {
				requireExtra(t, root, &table.Columns[4], line)
			}
		}
	})
}

// requireExtra holds that a column has exactly what no other reads.
func requireExtra(t *testing.T, root object, v *Vector, line []byte) {
	want := rest(root)
	if isEmpty(want) {
		require.True(t, v.IsNull(0), "%s", line)
		return
	}
	require.False(t, v.IsNull(0), "%s", line)
	have, twice, ok := reference(v.Value(0))
	require.True(t, ok && !twice, "%s", v.Value(0))
	require.Equal(t, want, have, "%s", line)
}
