package parquet

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"logseal/ingest/goldentest"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// heapFile is a file in memory.
type heapFile struct {
	bytes.Buffer
	closed int
}

func (f *heapFile) Close() error {
	f.closed++
	return nil
}

// encode writes groups of a file.
func encode(t require.TestingT, cols []Column, groups ...[]Values) []byte {
	l, err := NewLayout(cols, "logseal version 1.0.0")
	require.NoError(t, err)
	f := &heapFile{}
	w := NewFileWriter(f, l)
	var chunks ChunkWriter
	for _, g := range groups {
		rows := 0
		for _, v := range g {
			if v.Vector != nil {
				rows = v.Vector.Len()
			}
		}
		require.NoError(t, w.WriteGroup(&chunks, rows, g))
	}
	size, sum, err := w.Close()
	require.NoError(t, err)
	require.Equal(t, 1, f.closed)
	require.EqualValues(t, f.Len(), size)
	require.Equal(t, source.DigestOf(f.Bytes()), sum)
	return f.Bytes()
}

var allTypes = []parse.Type{parse.String, parse.Int32, parse.Int64, parse.Float64, parse.Bool,
	parse.Timestamp, parse.Date, parse.IP, parse.Duration}

// storedType is the type that a file gives for a column.
func storedType(t parse.Type) parse.Type {
	switch t {
	case parse.IP:
		return parse.String
	case parse.Duration:
		return parse.Int64
	}
	return t
}

// drawVector draws values of one of several shapes: few distinct ones, rising ones, any.
func drawVector(t *rapid.T, typ parse.Type, optional bool, rows int) *parse.Vector {
	v := &parse.Vector{Type: typ}
	seed := rapid.Uint64().Draw(t, "seed")
	shape := rapid.IntRange(0, 3).Draw(t, "shape")
	nulls := rapid.SampledFrom([]uint64{0, 2, 10, 1}).Draw(t, "nulls")
	next := func() uint64 {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		seed += 0x9e3779b97f4a7c15
		return seed
	}
	for i := range rows {
		if optional && nulls > 0 && next()%nulls == 0 {
			v.AppendNull()
			continue
		}
		n := next()
		switch shape {
		case 0:
			n %= 5
		case 1:
			n = uint64(i)*1000 + n%7
		case 2:
			n = uint64(rows / 100)
		}
		appendNumber(v, n)
	}
	return v
}

func appendNumber(v *parse.Vector, n uint64) {
	switch v.Type {
	case parse.String, parse.IP:
		text := make([]byte, n%300)
		for i := range text {
			text[i] = byte('a' + (n+uint64(i))%26)
		}
		v.AppendBytes(text)
	case parse.Int32, parse.Date:
		v.AppendInt32(int32(n))
	case parse.Float64:
		f := math.Float64frombits(n)
		if math.IsNaN(f) {
			f = 0
		}
		v.AppendFloat64(f)
	case parse.Bool:
		v.AppendBool(n%2 == 1)
	default:
		v.AppendInt64(int64(n))
	}
}

func TestWriter_RoundTrip_OursAndArrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cols []Column
		var groups [][]Values
		for i, typ := range allTypes {
			for j, optional := range []bool{false, true} {
				cols = append(cols, Column{Name: string(rune('a'+i)) + string(rune('0'+j)), Type: typ,
					Optional: optional, Rising: rapid.Bool().Draw(t, "rising")})
			}
		}
		for range rapid.IntRange(1, 3).Draw(t, "groups") {
			rows := rapid.SampledFrom([]int{1, 2, 7, 8, 33, 129, 1000, 3000}).Draw(t, "rows")
			var g []Values
			for _, c := range cols {
				g = append(g, Values{Vector: drawVector(t, c.Type, c.Optional, rows)})
			}
			groups = append(groups, g)
		}
		data := encode(t, cols, groups...)

		f, err := Open(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		require.Equal(t, len(groups), f.Groups())
		arrow, err := file.NewParquetReader(bytes.NewReader(data))
		require.NoError(t, err)
		for i, c := range cols {
			require.Equal(t, FileColumn{Name: c.Name, Type: storedType(c.Type), Optional: c.Optional},
				f.Columns()[i])
		}
		for i, g := range groups {
			got, err := f.Group(i)
			require.NoError(t, err)
			for c := range g {
				want := asStored(g[c].Vector)
				require.Equal(t, texts(want), texts(&got[c]), "%d %v", i, cols[c])
				theirs := readByArrow(t, arrow.RowGroup(i), c, got[c].Type)
				require.Equal(t, texts(want), texts(theirs), "%d %v", i, cols[c])
			}
		}
	})
}

// asStored is v as a file gives it back.
func asStored(v *parse.Vector) *parse.Vector {
	out := *v
	out.Type = storedType(v.Type)
	return &out
}

// readByArrow reads a column with arrow's own column readers.
func readByArrow(t require.TestingT, g *file.RowGroupReader, c int, typ parse.Type) *parse.Vector {
	col, err := g.Column(c)
	require.NoError(t, err)
	v := &parse.Vector{Type: typ}
	n := g.NumRows()
	def := make([]int16, n)
	if g.MetaData().Schema.Column(c).MaxDefinitionLevel() == 0 {
		for i := range def {
			def[i] = 1
		}
	}
	switch r := col.(type) {
	case *file.ByteArrayColumnChunkReader:
		all := make([]parquet.ByteArray, n)
		readAll(t, n, def, all, r.ReadBatch, v, func(b parquet.ByteArray) { v.AppendBytes(b) })
	case *file.Int32ColumnChunkReader:
		readAll(t, n, def, make([]int32, n), r.ReadBatch, v, v.AppendInt32)
	case *file.Int64ColumnChunkReader:
		readAll(t, n, def, make([]int64, n), r.ReadBatch, v, v.AppendInt64)
	case *file.Float64ColumnChunkReader:
		readAll(t, n, def, make([]float64, n), r.ReadBatch, v, v.AppendFloat64)
	case *file.BooleanColumnChunkReader:
		readAll(t, n, def, make([]bool, n), r.ReadBatch, v, v.AppendBool)
	default:
		require.Failf(t, "column reader", "%T", col)
	}
	return v
}

func readAll[T any](t require.TestingT, n int64, def []int16, all []T,
	read func(int64, []T, []int16, []int16) (int64, int, error), v *parse.Vector, appendOne func(T)) {
	total, have, err := read(n, all, def, nil)
	require.NoError(t, err)
	require.Equal(t, n, total)
	all = all[:have]
	for _, level := range def {
		if level == 0 {
			v.AppendNull()
			continue
		}
		appendOne(all[0])
		all = all[1:]
	}
	require.Empty(t, all)
}

// texts spells out a vector's rows, so that vectors in memory of different shape are equal.
func texts(v *parse.Vector) []string {
	out := make([]string, v.Len())
	for i := range out {
		if v.IsNull(i) {
			out[i] = "null"
			continue
		}
		out[i] = string(boundBytes(v, i)) + "."
	}
	return out
}

// Columns of several pages. Where pages end is part of the format, so the digest is pinned.
func TestWriter_ManyPages(t *testing.T) {
	const rows = 300_000
	var cols []Column
	var g []Values
	for i, typ := range []parse.Type{parse.String, parse.Int32, parse.Int64, parse.Float64,
		parse.Bool} {
		for j, number := range []func(i uint64) uint64{
			func(i uint64) uint64 { return i % 1000 / 10 },
			func(i uint64) uint64 { return i * 0x9e3779b97f4a7c15 >> 20 },
		} {
			v := &parse.Vector{Type: typ}
			for row := range uint64(rows) {
				switch {
				case j == 1 && row%5 == 0:
					v.AppendNull()
				case typ == parse.String:
					v.AppendString(strconv.FormatUint(number(row), 36))
				default:
					appendNumber(v, number(row))
				}
			}
			cols = append(cols, Column{Name: fmt.Sprintf("c%d_%d", i, j), Type: typ, Optional: j == 1})
			g = append(g, Values{Vector: v})
		}
	}
	data := encode(t, cols, g)
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	arrow, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	for c := range cols {
		want := texts(asStored(g[c].Vector))
		got, err := f.Column(0, c)
		require.NoError(t, err)
		require.True(t, slices.Equal(want, texts(got)), cols[c])
		theirs := readByArrow(t, arrow.RowGroup(0), c, got.Type)
		require.True(t, slices.Equal(want, texts(theirs)), cols[c])
	}
	goldentest.Require(t, "pages.txt", fmt.Appendf(nil, "%s %d\n", source.DigestOf(data), len(data)))
}

// failingFile fails after some bytes.
type failingFile struct {
	heapFile
	left int
}

func (f *failingFile) Write(b []byte) (int, error) {
	n := min(f.left, len(b))
	f.left -= n
	f.heapFile.Write(b[:n])
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func TestWriter_ReportsEveryFailingWrite(t *testing.T) {
	cols := []Column{{Name: "a", Type: parse.Int64}}
	v := &parse.Vector{Type: parse.Int64}
	for i := range int64(20000) {
		v.AppendInt64(i * i * i)
	}
	whole := encode(t, cols, []Values{{Vector: v}})
	l, err := NewLayout(cols, "logseal version 1.0.0")
	require.NoError(t, err)
	for left := 0; left < len(whole); left += 101 {
		f := &failingFile{left: left}
		w := NewFileWriter(f, l)
		err := w.WriteGroup(&ChunkWriter{}, v.Len(), []Values{{Vector: v}})
		_, _, closing := w.Close()
		require.Error(t, closing, "the footer is written last: %v", err)
		require.Equal(t, 1, f.closed)
	}
}
