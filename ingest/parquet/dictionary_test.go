package parquet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/parse"
)

// The rule is part of the format: which columns get a dictionary, to the value.
func TestDictionary_Texts_WhichAreWorthIt(t *testing.T) {
	numbered := func(entries, times, size int) (v parse.Vector) {
		v.Type = parse.String
		for range times {
			for i := range entries {
				text := make([]byte, size)
				for k, rest := 0, i; k < size && k < 4; k, rest = k+1, rest>>8 {
					text[k] = byte(rest)
				}
				v.AppendBytes(text)
			}
		}
		return v
	}
	join := func(a, b parse.Vector) parse.Vector {
		a.AppendFrom(&b, 0, b.Len())
		return a
	}
	for name, c := range map[string]struct {
		v    parse.Vector
		want bool
	}{
		"nothing":                   {numbered(0, 0, 0), false},
		"one value":                 {numbered(1, 1, 3), false},
		"one value twice":           {numbered(1, 2, 3), true},
		"each twice":                {numbered(300, 2, 4), true},
		"one of them once":          {join(numbered(300, 2, 4), numbered(1, 1, 5)), false},
		"half of 1024 are new":      {join(numbered(512, 2, 4), numbered(512, 9, 4)), true},
		"1023 new ones, then known": {join(numbered(1023, 1, 4), numbered(1023, 9, 4)), true},
		"1024 new ones, then known": {join(numbered(1024, 1, 4), numbered(1024, 9, 4)), false},
		"the 600th new is the 1200th": {join(join(numbered(599, 2, 4), numbered(1, 1, 4)),
			numbered(1, 9, 5)), true},
		"the 600th new is the 1199th": {join(numbered(599, 2, 4), numbered(1, 9, 5)), false},
		"as many bytes as allowed":    {numbered(1<<10, 3, 1<<10-4), false}, // by the probe
		"few of as many bytes":        {numbered(1<<8, 2, 1<<12-4), true},
		"few of one byte more":        {join(numbered(1<<8, 2, 1<<12-4), numbered(1, 2, 1)), false},
		"one of more bytes":           {numbered(1, 2, 1<<20-3), false},
		"one of as many bytes":        {numbered(1, 2, 1<<20-4), true},
		"nulls are no values":         {withNulls(numbered(1, 1, 1), 100), false},
		"nulls do not stand between":  {withNulls(numbered(1, 2, 1), 100), true},
	} {
		var d dictionary
		require.Equal(t, c.want, d.texts(&c.v), name)
	}
}

func withNulls(v parse.Vector, n int) parse.Vector {
	for range n {
		v.AppendNull()
	}
	return v
}

func TestDictionary_Numbers_WhichAreWorthIt(t *testing.T) {
	// ramp is 0, 0, 0, 0, 1, … with each value so many times.
	ramp := func(entries, times int) (bits []uint64) {
		for i := range entries {
			for range times {
				bits = append(bits, uint64(i))
			}
		}
		return bits
	}
	for name, c := range map[string]struct {
		bits []uint64
		want bool
	}{
		"each four times":    {ramp(100, 4), true},
		"one of them once":   {append(ramp(100, 4), 1000), false},
		"as many as allowed": {ramp(1<<16, 5), true},
		"one more":           {ramp(1<<16+1, 5), false},
		"new ones too early": {ramp(1<<9, 4), false},
	} {
		var d dictionary
		require.Equal(t, c.want, d.numbers(c.bits, nil, 4), name)
	}
}

// Entries are in the order in which they first occur, whatever their hashes are.
func TestDictionary_NumbersEntriesAsTheyOccur(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := parse.Vector{Type: parse.String}
		var d dictionary
		distinct := rapid.IntRange(1, 3000).Draw(t, "distinct")
		var order []string
		var indices []uint32
		seen := map[string]uint32{}
		salt := rapid.Uint64().Draw(t, "salt")
		for i := range uint64(2 * distinct) {
			text := strings.Repeat("x", int((i*salt)>>32)%distinct)
			if _, ok := seen[text]; !ok {
				seen[text] = uint32(len(order))
				order = append(order, text)
			}
			indices = append(indices, seen[text])
			v.AppendString(text)
		}
		if !d.texts(&v) {
			t.Skip("not worth it")
		}
		require.Equal(t, indices, d.indices)
		require.Len(t, d.rows, len(order))
		for e, row := range d.rows {
			require.Equal(t, order[e], string(v.Value(int(row))))
		}
	})
}
