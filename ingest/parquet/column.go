package parquet

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"

	"logseal/ingest/parse"
)

// pageBytes ends a data page: with the value that makes its values this long, uncompressed and
// without a dictionary.
const pageBytes = 1 << 20

// Values are what a column holds in one row group: a vector, or one value for all rows.
type Values struct {
	Vector *parse.Vector
	// constant is used when vector is nil; nil for null.
	Constant []byte
}

// ChunkWriter writes column chunks one after the other. It holds the memory they need.
type ChunkWriter struct {
	dict   dictionary
	bits   []uint64 // the numbers of a column, for the dictionary
	levels []uint32
	int32s []int32 // the values of a page that are not null
	int64s []int64
	page   []byte
	packed bytes.Buffer
}

// write writes a column's values to the end of its pager and closes that.
func (w *ChunkWriter) write(pager file.PageWriter, meta *metadata.ColumnChunkMetaDataBuilder,
	col Column, v Values, rows int) error {
	if v.Vector == nil {
		return w.writeConstant(pager, meta, col, v.Constant, rows)
	}
	if have := v.Vector.Len(); have != rows || v.Vector.Type != col.Type {
		return fmt.Errorf("column %s: want %d rows of %s, have %d of %s", col.Name, rows, col.Type,
			have, v.Vector.Type)
	}
	if !col.Optional && nullCount(v.Vector) > 0 {
		return fmt.Errorf("column %s: null, but not optional", col.Name)
	}
	var entries []int32
	if w.number(col, v.Vector) {
		entries = w.dict.rows
	}
	if err := w.writePages(pager, col, v.Vector, entries); err != nil {
		return err
	}
	meta.SetStats(chunkStatistics(col, v.Vector, entries))
	return pager.Close(entries != nil, false)
}

// number fills the dictionary and reports whether the column chunk is to have it. Times and offsets
// rise: they are packed as deltas in less than any dictionary takes.
func (w *ChunkWriter) number(col Column, v *parse.Vector) bool {
	switch {
	case col.Binary || col.Rising || col.Type == parse.Bool:
		return false
	case col.Type == parse.String || col.Type == parse.IP:
		return w.dict.texts(v)
	}
	w.bits = w.bits[:0]
	size := 8
	switch col.Type {
	case parse.Int32, parse.Date:
		size = 4
		for _, n := range v.Int32s {
			w.bits = append(w.bits, uint64(uint32(n)))
		}
	case parse.Float64:
		for _, f := range v.Float64s {
			w.bits = append(w.bits, math.Float64bits(f))
		}
	default:
		for _, n := range v.Int64s {
			w.bits = append(w.bits, uint64(n))
		}
	}
	return w.dict.numbers(w.bits, v.Null, size)
}

// writePages writes the dictionary, if entries has the rows of one, and the data pages.
func (w *ChunkWriter) writePages(pager file.PageWriter, col Column, v *parse.Vector,
	entries []int32) error {
	if entries != nil {
		w.page = w.page[:0]
		for _, row := range entries {
			w.appendPlain(v, int(row), int(row)+1)
		}
		if err := w.flushDictionary(pager, len(entries)); err != nil {
			return err
		}
	}
	used, rows := 0, v.Len()
	for i := 0; i < rows; {
		j := pageEnd(v, i, rows, entries != nil)
		w.page = w.page[:0]
		if col.Optional {
			w.appendLevels(v, i, j)
		}
		enc := col.encoding()
		if entries != nil {
			enc = parquet.Encodings.RLEDict
			n := used + presentCount(v, i, j)
			w.appendIndices(w.dict.indices[used:n], len(entries))
			used = n
		} else {
			w.appendValues(v, i, j)
		}
		if err := w.flushPage(pager, j-i, enc); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// pageEnd is where the page that begins with row i ends. Nulls count like values.
func pageEnd(v *parse.Vector, i, rows int, dict bool) int {
	size := 8
	switch {
	case dict || v.Type == parse.Int32 || v.Type == parse.Date:
		size = 4
	case v.Type == parse.Bool:
		size = 1
	case v.Type == parse.String || v.Type == parse.IP:
		for n := 0; i < rows && n < pageBytes; i++ {
			n += 4 + len(v.Value(i))
		}
		return i
	}
	return min(rows, i+pageBytes/size)
}

// presentCount is how many of the rows [i, j) are not null.
func presentCount(v *parse.Vector, i, j int) int {
	n := j - i
	if v.Null != nil {
		for _, isNull := range v.Null[i:j] {
			if isNull {
				n--
			}
		}
	}
	return n
}

func (w *ChunkWriter) appendLevels(v *parse.Vector, i, j int) {
	var null []bool
	if v.Null != nil {
		null = v.Null[i:j]
	}
	w.page, w.levels = appendLevels(w.page, null, j-i, w.levels)
}

func (w *ChunkWriter) appendIndices(indices []uint32, entries int) {
	width := uint(max(1, bits.Len(uint(entries-1))))
	w.page = append(w.page, byte(width))
	w.page = appendHybrid(w.page, indices, width)
}

// appendValues appends the rows [i, j) that are not null as a data page without dictionary holds
// them: whole numbers packed as deltas, all else as it stands.
func (w *ChunkWriter) appendValues(v *parse.Vector, i, j int) {
	switch v.Type {
	case parse.Int32, parse.Date:
		w.int32s = present(w.int32s, v.Int32s, v.Null, i, j)
		w.page = appendDelta(w.page, w.int32s)
	case parse.Int64, parse.Timestamp, parse.Duration:
		w.int64s = present(w.int64s, v.Int64s, v.Null, i, j)
		w.page = appendDelta(w.page, w.int64s)
	case parse.Bool:
		w.page = appendBools(w.page, present(nil, v.Bools, v.Null, i, j))
	case parse.Float64:
		w.page = appendFloats(w.page, present(nil, v.Float64s, v.Null, i, j))
	default:
		for ; i < j; i++ {
			if !v.IsNull(i) {
				w.page = appendText(w.page, v.Value(i))
			}
		}
	}
}

// appendPlain appends one row as it stands, as a dictionary page holds it.
func (w *ChunkWriter) appendPlain(v *parse.Vector, i, j int) {
	switch v.Type {
	case parse.String, parse.IP, parse.Bool, parse.Float64:
		w.appendValues(v, i, j)
	default:
		w.page = append(w.page, boundBytes(v, i)...)
	}
}

// present gives the rows [i, j) of all that are not null: those of all themselves when there are
// no nulls, else copies in the memory of scratch.
func present[T any](scratch, all []T, null []bool, i, j int) []T {
	scratch = scratch[:0]
	for ; i < j; i++ {
		if null == nil || !null[i] {
			scratch = append(scratch, all[i])
		}
	}
	return scratch
}

// writeConstant writes one value, or null, for all rows: a dictionary of one, or levels alone.
func (w *ChunkWriter) writeConstant(pager file.PageWriter,
	meta *metadata.ColumnChunkMetaDataBuilder, col Column, value []byte, rows int) error {
	var s metadata.EncodedStatistics
	w.page = w.page[:0]
	if value == nil {
		if !col.Optional {
			return fmt.Errorf("column %s: null, but not optional", col.Name)
		}
		null := make([]bool, rows)
		for i := range null {
			null[i] = true
		}
		w.page, w.levels = appendLevels(w.page, null, rows, w.levels)
		if err := w.flushPage(pager, rows, col.encoding()); err != nil {
			return err
		}
		meta.SetStats(*s.SetNullCount(int64(rows)))
		return pager.Close(false, false)
	}
	w.page = appendText(w.page, value)
	if err := w.flushDictionary(pager, 1); err != nil {
		return err
	}
	w.page = w.page[:0]
	if col.Optional {
		w.page, w.levels = appendLevels(w.page, nil, rows, w.levels)
	}
	w.page = append(w.page, 1) // the width
	w.page = appendRun(w.page, 0, rows, 1)
	if err := w.flushPage(pager, rows, parquet.Encodings.RLEDict); err != nil {
		return err
	}
	s.SetNullCount(0)
	if len(value) <= maxBound {
		s.SetMin(value).SetMax(value)
	}
	meta.SetStats(s)
	return pager.Close(true, false)
}

// flushDictionary writes the page as the dictionary of a column chunk.
func (w *ChunkWriter) flushDictionary(pager file.PageWriter, entries int) error {
	p := file.NewDictionaryPage(memory.NewBufferBytes(w.page), int32(entries),
		parquet.Encodings.Plain)
	defer p.Release()
	_, err := pager.WriteDictionaryPage(p)
	return err
}

// flushPage writes the page as a data page of rows.
func (w *ChunkWriter) flushPage(pager file.PageWriter, rows int, enc parquet.Encoding) error {
	if len(w.page) > math.MaxInt32 {
		return fmt.Errorf("page of %d bytes: Parquet allows %d", len(w.page), math.MaxInt32)
	}
	w.packed.Reset()
	data := pager.Compress(&w.packed, w.page)
	p := file.NewDataPageV1(memory.NewBufferBytes(data), int32(rows), enc, parquet.Encodings.RLE,
		parquet.Encodings.RLE, int32(len(w.page)))
	defer p.Release()
	_, err := pager.WriteDataPage(p)
	return err
}
