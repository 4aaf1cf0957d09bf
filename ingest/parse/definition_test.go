package parse

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// one gives a definition whose only column is c, as group x of a pattern that takes all.
func one(c Column) Definition {
	c.Name = "x"
	return Definition{Pattern: `(?P<x>.*)`, Columns: []Column{c}}
}

func TestDefinition_Validate_Refuses(t *testing.T) {
	const twoGroups = `(?P<a>\S+) (?P<b>\S+)`
	for _, c := range []struct {
		want string
		def  Definition
	}{
		{"missing closing )", Definition{Pattern: `(`}},
		{"unexpected )", Definition{Pattern: `a)(?P<x>b`, Columns: []Column{{Name: "x"}}}},
		{"trailing backslash", Definition{Pattern: `(?P<x>a)\`, Columns: []Column{{Name: "x"}}}},
		{"invalid UTF-8", Definition{Pattern: "(?P<x>\xff)", Columns: []Column{{Name: "x"}}}},
		{"no named group", Definition{Pattern: `(a)b`}},
		{`group "b" is no column`, Definition{Pattern: twoGroups, Columns: []Column{{Name: "a"}}}},
		{`no group (?P<c>...)`, Definition{Pattern: twoGroups,
			Columns: []Column{{Name: "a"}, {Name: "b"}, {Name: "c"}}}},
		{"no more than case", Definition{Pattern: `(?P<a>.)(?P<A>.)`,
			Columns: []Column{{Name: "a"}, {Name: "A"}}}},
		{"no more than case", Definition{Pattern: `(?P<a>.)`,
			Columns: []Column{{Name: "a"}, {Name: "a"}}}},
		{"needs a name", Definition{Pattern: `(?P<a>.)`, Columns: []Column{{Name: "a"}, {}}}},
		{"leading _", Definition{Pattern: `(?P<_a>.)`, Columns: []Column{{Name: "_a"}}}},
		{"partition key", Definition{Pattern: `(?P<dt>.)`, Columns: []Column{{Name: "dt"}}}},
		{"partition key", Definition{Pattern: `(?P<Hour>.)`, Columns: []Column{{Name: "Hour"}}}},
		{"another event_time", Definition{Pattern: twoGroups, Columns: []Column{
			{Name: "a", Type: Timestamp, EventTime: true}, {Name: "b", Type: Timestamp, EventTime: true}}}},
		{"no type 9", one(Column{Type: Duration + 1})},
		{"are for timestamps", one(Column{Layout: LayoutRFC3339})},
		{"are for timestamps", one(Column{Type: Date, Zone: "UTC+1"})},
		{"are for timestamps", one(Column{Type: Int64, EventTime: true})},
		{"cannot be optional", one(Column{Type: Timestamp, EventTime: true, Optional: true})},
		{"enum is for", one(Column{Type: Bool, Enum: []string{"true"}})},
		{`enum: "a": not of type int32`, one(Column{Type: Int32, Enum: []string{"1", "a"}})},
		{`enum: "::g": not of type ip`, one(Column{Type: IP, Enum: []string{"::g"}})},
		{`enum: "x" is listed twice`, one(Column{Enum: []string{"x", "x"}})},
		{`enum: "07" is listed twice`, one(Column{Type: Int64, Enum: []string{"7", "07"}})},
		{`null_values: "-" is listed twice`, one(Column{NullValues: []string{"-", "-"}})},
		{"is not UTF-8", one(Column{NullValues: []string{"\xff"}})},
		{"min and max are for", one(Column{Min: "a"})},
		{"min and max are for", one(Column{Type: IP, Max: "::1"})},
		{`min: "x": not of type int64`, one(Column{Type: Int64, Min: "x"})},
		{`max: "1.0": not of type int32`, one(Column{Type: Int32, Max: "1.0"})},
		{`max: "inf": not of type float64`, one(Column{Type: Float64, Max: "inf"})},
		{`a quote is not closed`, one(Column{Type: Timestamp, Layout: "2006-01-02 'MST"})},
		{`min: "now": not of layout rfc3339`, one(Column{Type: Timestamp, Min: "now"})},
		{"min 2 is above max 1", one(Column{Type: Int64, Min: "2", Max: "1"})},
		{"min 2 is above max 1.5", one(Column{Type: Float64, Min: "2", Max: "1.5"})},
		{"are for strings", one(Column{Type: Int64, MinLength: 1})},
		{"are for strings", one(Column{Type: IP, Pattern: "a"})},
		{"not negative", one(Column{MaxLength: -1})},
		{"min_length 6 is above max_length 5", one(Column{MinLength: 6, MaxLength: 5})},
		{"missing closing )", one(Column{Pattern: "("})},
		{"no year", one(Column{Type: Timestamp, Layout: "Jan _2 15:04:05"})},
		{"no year", one(Column{Type: Timestamp, Layout: "Mon 15:04:05"})},
		{"without doubt", one(Column{Type: Timestamp, Layout: "2006 15:04:05"})},
		{"without doubt", one(Column{Type: Timestamp, Layout: "2006-01 15:04:05"})},
		{"without doubt", one(Column{Type: Timestamp, Layout: "200612"})},
		{"a zero for each digit, 05,000", one(Column{Type: Timestamp, Layout: "2006-01-02 15:04:05,123"})},
		{"a zero for each digit, 05.000000",
			one(Column{Type: Timestamp, Layout: "2006-01-02 15:04:05.123456 -0700"})},
		{"after a point or a comma only", one(Column{Type: Timestamp, Layout: "20060102150405000"})},
		{"morning from afternoon", one(Column{Type: Timestamp, Layout: "2006-01-02 03:04:05"})},
		{"zone abbreviations", one(Column{Type: Timestamp, Layout: "2006-01-02 15:04:05 MST"})},
		{"no year; want rfc3339, epoch_s, epoch_ms", one(Column{Type: Timestamp, Layout: "RFC3339"})},
		{"no year; want rfc3339, epoch_s, epoch_ms", one(Column{Type: Timestamp, Layout: "%Y-%m-%d"})},
		{"is not UTF-8", one(Column{Type: Timestamp, Layout: "2006-01-02\xff"})},
		{"an offset of its own",
			one(Column{Type: Timestamp, Layout: "2006-01-02 -07", Zone: "Asia/Tokyo"})},
		{"says by itself", one(Column{Type: Timestamp, Layout: LayoutEpochS, Zone: "Asia/Tokyo"})},
		{"want an IANA name", one(Column{Type: Timestamp, Layout: "2006-01-02", Zone: "Nowhere"})},
		{"time window: its end", Definition{Pattern: `(?P<x>.)`, Columns: []Column{{Name: "x"}},
			Window: Window{From: 1, To: 1}}},
		{"time window: it reaches", Definition{Pattern: `(?P<x>.)`, Columns: []Column{{Name: "x"}},
			Window: Window{To: maxMicros + 2}}},
	} {
		require.ErrorContains(t, c.def.Validate(), c.want, "%+v", c.def)
	}
}

func TestDefinition_Validate_ListsEverything(t *testing.T) {
	err := Definition{Pattern: `(?P<a>.)(?P<_b>.)(?P<c>.)`, Columns: []Column{
		{Name: "a", Type: Int64, Min: "x", Pattern: "("}, {Name: "_b"}}}.Validate()
	for _, want := range []string{`column "a": min_length`, `column "_b": names with`,
		`group "c" is no`} {
		require.ErrorContains(t, err, want)
	}
}

func TestDefinition_Validate_TakesLayouts(t *testing.T) {
	for _, layout := range []string{"2006-01-02", "02/Jan/2006:15:04:05 -0700",
		"Mon Jan _2 15:04:05 2006",
		"20060102T150405", "06-1-2 3:4:5pm", "2006-002T15:04:05.999", "2006-01-02T15:04:05Z07:00",
		"Monday, January 2, 2006", "2006-01-02 15:04:05 UTC", "2006-01-02-15.04.05.000000",
		"2006-01-02 15:04:05 'MST'", "2006''01''02"} {
		c := Column{Type: Timestamp, Layout: layout}
		require.NoError(t, one(c).Validate(), layout)
	}
}

// everything sets each field, so that a test sees one that is lost.
func everything() Definition {
	d := Definition{
		Pattern: `(?P<t>\S+) (?P<s>\S+) (?P<n>\S+)`,
		Window:  Window{From: 1, To: 2_000_000},
		Columns: []Column{
			{Name: "t", Type: Timestamp, Layout: "2006-01-02", Zone: "Asia/Tokyo", EventTime: true},
			{Name: "s", Optional: true, NullValues: []string{"-", ""}, Enum: []string{"é", "<"},
				MinLength: 1, MaxLength: 2, Pattern: `[^"]*`},
			{Name: "n", Type: Int64, Min: "0", Max: "9"},
		},
	}
	return d
}

func TestDefinition_JSON_RoundTrips(t *testing.T) {
	defs := []Definition{everything()}
	for _, name := range Presets() {
		d, ok := Preset(name)
		require.True(t, ok)
		defs = append(defs, d)
	}
	for _, d := range defs {
		require.NoError(t, d.Validate())
		b, err := json.Marshal(d)
		require.NoError(t, err)
		var back Definition
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, d, back)
	}
}

func TestDefinition_Canonical_DropsDefaults(t *testing.T) {
	d := Definition{Pattern: `(?P<t>\S+) (?P<u>\S+)`, Window: DefaultWindow(), Columns: []Column{
		{Name: "t", Type: Timestamp, Layout: LayoutRFC3339, Enum: []string{}, NullValues: []string{}},
		{Name: "u", Type: Timestamp, Layout: "2006-01-02", Zone: "UTC"},
	}}
	want := Definition{Pattern: d.Pattern, Columns: []Column{
		{Name: "t", Type: Timestamp}, {Name: "u", Type: Timestamp, Layout: "2006-01-02"}}}
	require.Equal(t, want, d.Canonical())
	require.Equal(t, want, d.Canonical().Canonical())
	p, err := New(want)
	require.NoError(t, err)
	require.Equal(t, want, p.Definition())
	require.Equal(t, everything(), everything().Canonical())
}

func TestDefinition_Canonical_SharesNothing(t *testing.T) {
	d := everything()
	c := d.Canonical()
	d.Columns[1].Name = "other"
	d.Columns[1].Enum[0] = "other"
	d.Columns[1].NullValues[0] = "other"
	require.Equal(t, everything(), c)
}

func TestWindow_Contains(t *testing.T) {
	require.False(t, Window{}.Contains(micros(t, "1989-12-31T23:59:59.999999Z")))
	require.True(t, Window{}.Contains(micros(t, "1990-01-01T00:00:00Z")))
	require.True(t, Window{}.Contains(micros(t, "2099-12-31T23:59:59.999999Z")))
	require.False(t, Window{}.Contains(micros(t, "2100-01-01T00:00:00Z")))
	require.True(t, Window{From: -5, To: 5}.Contains(-5))
	require.False(t, Window{From: -5, To: 5}.Contains(5))
}
