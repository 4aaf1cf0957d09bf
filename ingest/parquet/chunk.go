package parquet

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/parquet"

	"logseal/ingest/parse"
)

// chunkReader reads one column chunk into a vector.
type chunkReader struct {
	column  FileColumn
	rows    int
	out     parse.Vector
	dict    *parse.Vector
	indices []uint32
}

// read reads all pages of a column chunk; together they must hold the rows.
func (r *chunkReader) read(chunk []byte) error {
	for len(chunk) > 0 {
		p, rest, err := takePage(chunk)
		if err != nil {
			return err
		}
		switch p.kind {
		case dictionaryPage:
			err = r.readDictionary(p)
		case dataPage:
			err = r.readPage(p)
		default:
			err = fmt.Errorf("no kind of page of ours: %d", p.kind)
		}
		if err != nil {
			return err
		}
		chunk = rest
	}
	if have := r.out.Len(); have != r.rows {
		return fmt.Errorf("want %d rows, have %d", r.rows, have)
	}
	return nil
}

func (r *chunkReader) readDictionary(p page) error {
	if r.dict != nil || r.out.Len() > 0 {
		return errors.New("a dictionary after another page")
	}
	if p.values > dictEntries {
		return fmt.Errorf("dictionary of %d entries", p.values)
	}
	if parquet.Encoding(p.encoding) != parquet.Encodings.Plain {
		return fmt.Errorf("dictionary encoded as %s", parquet.Encoding(p.encoding))
	}
	r.dict = &parse.Vector{Type: r.column.Type}
	return appendDecoded(r.dict, nil, p.data, int(p.values), parquet.Encodings.Plain)
}

func (r *chunkReader) readPage(p page) error {
	rows, data := int(p.values), p.data
	if left := r.rows - r.out.Len(); rows > left {
		return fmt.Errorf("page of %d rows where %d are left", rows, left)
	}
	var null []bool
	if r.column.Optional {
		if levels := parquet.Encoding(p.levels); levels != parquet.Encodings.RLE {
			return fmt.Errorf("levels encoded as %s", levels)
		}
		var err error
		if null, data, err = decodeLevels(nil, data, rows); err != nil {
			return err
		}
	}
	enc := parquet.Encoding(p.encoding)
	if enc != parquet.Encodings.RLEDict {
		return appendDecoded(&r.out, null, data, rows, enc)
	}
	return r.appendIndexed(null, data, rows)
}

// appendIndexed appends rows whose values are entries of the dictionary.
func (r *chunkReader) appendIndexed(null []bool, data []byte, rows int) error {
	if r.dict == nil || len(data) == 0 {
		return errors.New("indices without a dictionary")
	}
	var err error
	present := rows - countTrue(null)
	r.indices, err = decodeHybrid(r.indices[:0], data[1:], uint(data[0]), present)
	if err != nil {
		return err
	}
	entries, at := r.dict.Len(), 0
	for i := range rows {
		if null != nil && null[i] {
			r.out.AppendNull()
			continue
		}
		e := int(r.indices[at])
		if e >= entries {
			return fmt.Errorf("index %d into a dictionary of %d", e, entries)
		}
		r.out.AppendFrom(r.dict, e, e+1)
		if len(r.out.Bytes) > maxTextBytes {
			return fmt.Errorf("texts of more than %d bytes", maxTextBytes)
		}
		at++
	}
	return nil
}

// appendDecoded appends rows, the values of those that are not null being encoded in data.
func appendDecoded(v *parse.Vector, null []bool, data []byte, rows int,
	enc parquet.Encoding) error {
	present := rows - countTrue(null)
	switch plain := enc == parquet.Encodings.Plain; {
	case !plain && enc != parquet.Encodings.DeltaBinaryPacked:
		return fmt.Errorf("values encoded as %s", enc)
	case v.Type == parse.String && plain:
		texts, err := decodeTexts(data, present)
		return appendRows(v, null, rows, texts, err, v.AppendBytes)
	case v.Type == parse.Bool && plain:
		bools, err := decodeBools(data, present)
		return appendRows(v, null, rows, bools, err, v.AppendBool)
	case v.Type == parse.Float64 && plain:
		floats, err := decodeFixed(data, present, 8, readFloat)
		return appendRows(v, null, rows, floats, err, v.AppendFloat64)
	case v.Type == parse.Int32 || v.Type == parse.Date:
		decode := decodeDelta[int32]
		if plain {
			decode = func(b []byte, n int) ([]int32, error) { return decodeFixed(b, n, 4, readInt32) }
		}
		numbers, err := decode(data, present)
		return appendRows(v, null, rows, numbers, err, v.AppendInt32)
	case v.Type == parse.Int64 || v.Type == parse.Timestamp:
		decode := decodeDelta[int64]
		if plain {
			decode = func(b []byte, n int) ([]int64, error) { return decodeFixed(b, n, 8, readInt64) }
		}
		numbers, err := decode(data, present)
		return appendRows(v, null, rows, numbers, err, v.AppendInt64)
	}
	return fmt.Errorf("%s encoded as %s", v.Type, enc)
}

// appendRows appends rows: nulls, and in between the decoded values, unless decoding gave err.
func appendRows[T any](v *parse.Vector, null []bool, rows int, decoded []T, err error,
	appendOne func(T)) error {
	if err != nil {
		return err
	}
	for i := range rows {
		if null != nil && null[i] {
			v.AppendNull()
			continue
		}
		appendOne(decoded[0])
		decoded = decoded[1:]
	}
	return nil
}

func countTrue(bs []bool) (n int) {
	for _, b := range bs {
		if b {
			n++
		}
	}
	return n
}
