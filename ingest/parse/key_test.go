package parse

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestKey_RoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(rapid.StringMatching(`[ab.\\é]{1,5}`), rapid.StringN(1, 5, -1))
		names := rapid.SliceOfN(part, 1, 4).Draw(t, "names")
		key := ""
		for _, name := range names {
			key = joinKey(key, name)
		}
		back, err := splitKey(key)
		require.NoError(t, err)
		require.Equal(t, names, back)
	})
}

func TestDefinition_Validate_RefusesOfJSON(t *testing.T) {
	columns := func(cs ...Column) Definition { return Definition{Kind: JSON, Columns: cs} }
	keyed := func(keys ...string) (d Definition) {
		d.Kind = JSON
		for i, key := range keys {
			d.Columns = append(d.Columns, Column{Name: fmt.Sprint("c", i), Key: key})
		}
		return d
	}
	for _, c := range []struct {
		want string
		def  Definition
	}{
		{"no kind 2", Definition{Kind: 2, Columns: []Column{{Name: "a"}}}},
		{"no unknown_keys 3", Definition{Kind: JSON, UnknownKeys: 3, Columns: []Column{{Name: "a"}}}},
		{"no columns", columns()},
		{"no columns", Definition{Kind: JSON, UnknownKeys: DropUnknown}},
		{"either JSON or of a pattern", Definition{Kind: JSON, Pattern: "(?P<a>.)",
			Columns: []Column{{Name: "a"}}}},
		{"unknown_keys is for lines that are JSON", Definition{Pattern: `(?P<a>.)`,
			UnknownKeys: DropUnknown, Columns: []Column{{Name: "a"}}}},
		{"key is for lines that are JSON", Definition{Pattern: `(?P<a>.)`,
			Columns: []Column{{Name: "a", Key: "b"}}}},
		{`column "_extra": names with a leading _`, Definition{Kind: JSON, UnknownKeys: DropUnknown,
			Columns: []Column{{Name: "a"}, extraColumn()}}},
		{`column "_extra": names with a leading _`, columns(extraColumn(), Column{Name: "a"})},
		{`column "_extra": names with a leading _`, columns(Column{Name: "a"},
			Column{Name: "_extra"})},
		{`column "_extra": names with a leading _`, columns(Column{Name: "a"},
			Column{Name: "_extra", Optional: true, Key: "b"})},
		{`column "_b": names with a leading _`, columns(Column{Name: "a"}, Column{Name: "_b"})},
		{"another column reads it", keyed("a.b", "a.b")},
		{"another column reads it", columns(Column{Name: "a"}, Column{Name: "b", Key: "a"})},
		{"a column cannot hold an object", keyed("a.b", "a")},
		{"a column cannot hold an object", keyed("a", "a.b.c")},
		{"a name in it is empty", keyed(".")},
		{"a name in it is empty", keyed("a.")},
		{"a name in it is empty", keyed("a..b")},
		{"want a dot or a backslash", keyed(`a\b`)},
		{"want a dot or a backslash", keyed(`a\`)},
		{"not UTF-8", keyed("\xff")},
		{"at most 64 objects deep", keyed(strings.Repeat("a.", 64) + "b")},
	} {
		require.ErrorContains(t, c.def.Validate(), c.want, "%+v", c.def)
	}
	require.NoError(t, keyed(strings.Repeat("a.", 63)+"b", `a\.a`, `a\\.b`, `b\.`).Validate())
	require.Equal(t, 1, strings.Count(columns(Column{Name: "_b"}, Column{Name: "a"}).Validate().
		Error(), "names with"))
}

func TestDefinition_Canonical_OfJSON(t *testing.T) {
	d := Definition{Kind: JSON, Columns: []Column{{Name: "a", Key: "a"}, {Name: "b", Key: "c"}}}
	want := Definition{Kind: JSON, Columns: []Column{{Name: "a"}, {Name: "b", Key: "c"},
		{Name: "_extra", Optional: true}}}
	require.Equal(t, want, d.Canonical())
	require.Equal(t, want, d.Canonical().Canonical())
	require.Len(t, d.Columns, 2)
	d.UnknownKeys = RejectUnknown
	require.Len(t, d.Canonical().Columns, 2)

	body, err := json.Marshal(d.Canonical())
	require.NoError(t, err)
	require.Equal(t, `{"kind":"json","pattern":"","unknown_keys":"reject","columns":[{"name":"a",`+
		`"type":"string"},{"name":"b","type":"string","key":"c"}]}`, string(body))
	var back Definition
	require.NoError(t, json.Unmarshal(body, &back))
	require.Equal(t, d.Canonical(), back)
}
