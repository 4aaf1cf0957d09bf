package quarantine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

var where = Where{Source: source.ID{0xab}, Epoch: source.DigestOf([]byte("epoch"))}

func TestBuffer_Vectors_HoldWhatWasAdded(t *testing.T) {
	var b Buffer
	raw := []byte("\xffbroken\r\n")
	b.Add(parse.Reject{Offset: 10, Raw: raw, Reason: parse.InvalidUTF8, Detail: "at byte 0"})
	copy(raw, "changed!")
	b.Add(parse.Reject{Offset: 30, Raw: []byte("x"), Reason: parse.BadType, Field: "status"})

	vs := b.Vectors(where)
	require.Len(t, vs, len(Columns()))
	for i, c := range Columns() {
		require.Equal(t, c.Type, vs[i].Type, c.Name)
		require.Equal(t, 2, vs[i].Len(), c.Name)
		require.True(t, c.Optional || vs[i].Null == nil, c.Name)
	}
	require.Equal(t, []int64{10, 30}, vs[colOffset].Int64s)
	require.Equal(t, []int64{9, 1}, vs[colLength].Int64s)
	require.Equal(t, []string{"\xffbroken\r\n", "x"}, texts(vs[colRaw]))
	require.Equal(t, []string{"invalid_utf8", "bad_type"}, texts(vs[colReason]))
	require.Equal(t, []string{"<null>", "status"}, texts(vs[colField]))
	require.Equal(t, []string{"at byte 0", "<null>"}, texts(vs[colDetail]))
	require.Equal(t, []string{where.Source.String(), where.Source.String()}, texts(vs[colID]))
	require.Equal(t, []string{where.Epoch.String(), where.Epoch.String()}, texts(vs[colEpoch]))
	require.Equal(t, []string{"<null>", "<null>"}, texts(vs[colOrigin]))
}

func TestBuffer_Reset_EmptiesAndGoesOnCounting(t *testing.T) {
	var b Buffer
	require.Zero(t, b.Len())
	require.Empty(t, b.Counts())
	b.Reset()
	b.Add(parse.Reject{Offset: 1, Raw: []byte("a\n"), Reason: parse.NoMatch})
	b.Add(parse.Reject{Offset: 3, Raw: []byte("b\n"), Reason: parse.TooLong})
	require.Len(t, b.Vectors(where), len(Columns()))
	b.Reset()
	require.Zero(t, b.Len())
	b.Add(parse.Reject{Offset: 5, Raw: []byte("c\n"), Reason: parse.NoMatch})

	with := where
	with.Origin = "web-1"
	vs := b.Vectors(with)
	require.Equal(t, []string{"c\n"}, texts(vs[colRaw]))
	require.Equal(t, []string{"web-1"}, texts(vs[colOrigin]))
	require.Nil(t, vs[colOrigin].Null)
	require.Equal(t, map[parse.Reason]int64{parse.NoMatch: 2, parse.TooLong: 1}, b.Counts())
	require.Equal(t, 1, b.Len())
}

// The names and their order are stored in every quarantine file.
func TestColumns_Golden(t *testing.T) {
	var names []string
	for _, c := range Columns() {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"_sid", "_offset", "length", "raw", "reason", "field", "detail",
		"epoch", "_origin"}, names)
}

func texts(v parse.Vector) []string {
	var all []string
	for i := range v.Len() {
		if v.IsNull(i) {
			all = append(all, "<null>")
		} else {
			all = append(all, string(v.Value(i)))
		}
	}
	return all
}
