package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"

	"logseal/ingest/parse"
)

// storedStatistics gives what arrow reads of the statistics of a file's first column.
func storedStatistics(t *testing.T, data []byte) metadata.TypedStatistics {
	f, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	chunk, err := f.MetaData().RowGroup(0).ColumnChunk(0)
	require.NoError(t, err)
	s, err := chunk.Statistics()
	require.NoError(t, err)
	require.NotNil(t, s)
	return s
}

func TestStatistics(t *testing.T) {
	text := func(ss ...string) *parse.Vector {
		v := &parse.Vector{Type: parse.String}
		for _, s := range ss {
			v.AppendString(s)
		}
		return v
	}
	long := func(ns ...int64) *parse.Vector {
		v := &parse.Vector{Type: parse.Int64}
		for _, n := range ns {
			v.AppendInt64(n)
		}
		return v
	}
	double := func(fs ...float64) *parse.Vector {
		v := &parse.Vector{Type: parse.Float64}
		for _, f := range fs {
			v.AppendFloat64(f)
		}
		return v
	}
	nulls := func(v *parse.Vector, n int) *parse.Vector {
		for range n {
			v.AppendNull()
		}
		return v
	}
	le := func(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }
	bits := func(f float64) string { return le(math.Float64bits(f)) }
	fits := strings.Repeat("y", maxBound)
	for name, c := range map[string]struct {
		v          *parse.Vector
		binary     bool
		min, max   string
		none       bool
		nulls      int64
		constant   string
		isConstant bool
	}{
		"texts":              {v: text("b", "a\x00", "", "é"), min: "", max: "é"},
		"texts, dictionary":  {v: text("b", "b", "z", "z", "b", "b"), min: "b", max: "z"},
		"longest text":       {v: text("x", fits), min: "x", max: fits},
		"too long a text":    {v: text("x", fits+"y"), none: true},
		"too long a least":   {v: text(fits+"y", "z"), none: true},
		"binary":             {v: text("b", "a"), binary: true, none: true},
		"numbers":            {v: long(5, -7, 3), min: le(1<<64 - 7), max: le(5)},
		"numbers, nulls":     {v: nulls(long(5), 3), min: le(5), max: le(5), nulls: 3},
		"only nulls":         {v: nulls(long(), 3), none: true, nulls: 3},
		"nulls are no zeros": {v: nulls(long(5, 6), 1), min: le(5), max: le(6), nulls: 1},
		"floats":             {v: double(-1.5, 2), min: bits(-1.5), max: bits(2)},
		"zeros":              {v: double(0), min: bits(math.Copysign(0, -1)), max: bits(0)},
		"a NaN":              {v: double(1, math.NaN()), none: true},
		"constant":           {constant: "sid", isConstant: true, min: "sid", max: "sid"},
		"constant null":      {isConstant: true, none: true, nulls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			col := Column{Name: "a", Type: parse.String, Optional: true, Binary: c.binary}
			vs := Values{Vector: c.v}
			if c.isConstant && c.constant != "" {
				vs.Constant = []byte(c.constant)
			}
			data := []byte(nil)
			if c.isConstant {
				// A constant has the rows of the column beside it.
				data = encode(t, []Column{col, {Name: "b", Type: parse.Int64}},
					[]Values{vs, {Vector: long(1)}})
			} else {
				col.Type = c.v.Type
				data = encode(t, []Column{col}, []Values{vs})
			}
			s := storedStatistics(t, data)
			require.Equal(t, c.nulls, s.NullCount())
			require.Equal(t, !c.none, s.HasMinMax())
			if !c.none {
				require.Equal(t, c.min, string(s.EncodeMin()))
				require.Equal(t, c.max, string(s.EncodeMax()))
			}
		})
	}
}

// Bounds outlive the vectors they are of.
func TestStatistics_AreCopies(t *testing.T) {
	v := &parse.Vector{Type: parse.String}
	v.AppendString("a")
	v.AppendString("b")
	s := chunkStatistics(Column{Name: "a"}, v, nil)
	v.Reset()
	v.AppendString("zz")
	require.Equal(t, "a", string(s.Min))
	require.Equal(t, "b", string(s.Max))
}
