package parquet

import (
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"logseal/ingest/parse"
)

// MaxGroupBytes is more than the values of a row group may have: 8 bytes a row, and the bytes of texts. It
// bounds what a damaged file can make a reader believe.
const MaxGroupBytes = 32 << 20

const (
	maxGroupRows = MaxGroupBytes / 8
	maxTextBytes = MaxGroupBytes + 1<<30 // the last record may be of any length
)

// FileColumn is a column as a file describes it.
type FileColumn struct {
	Name string
	// Type is what the file says: an IP is a String there, and a Duration an Int64.
	Type     parse.Type
	Binary   bool // bytes that need not be UTF-8, in a vector of Type String
	Optional bool
}

// File reads an object of this package. It is used by one goroutine. A damaged file gives
// errors, at opening or later; that its values are the ones once written only its digest can tell.
type File struct {
	in      io.ReaderAt
	size    int64
	meta    *metadata.FileMetaData
	columns []FileColumn
}

// Open reads the footer of an object of size bytes. r is used as long as the file is.
func Open(r io.ReaderAt, size int64) (f *File, err error) {
	defer recoverDamage("open parquet", &err)
	head := make([]byte, len(magic))
	if _, err := r.ReadAt(head, 0); err != nil || string(head) != magic {
		return nil, fmt.Errorf("open parquet: it does not begin with %s", magic)
	}
	footer, err := file.NewParquetReader(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, fmt.Errorf("open parquet: %w", err)
	}
	f = &File{in: r, size: size, meta: footer.MetaData()}
	for i := range f.meta.Schema.NumColumns() {
		c, err := fileColumn(f.meta.Schema.Column(i))
		if err != nil {
			return nil, fmt.Errorf("open parquet: %w", err)
		}
		f.columns = append(f.columns, c)
	}
	for i := range f.Groups() {
		if err := f.checkGroup(i); err != nil {
			return nil, fmt.Errorf("open parquet: %w", err)
		}
	}
	return f, nil
}

// recoverDamage makes an error of a panic: arrow has them for much that can be wrong in a file.
func recoverDamage(doing string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: damaged file: %v", doing, r)
	}
}

func fileColumn(c *schema.Column) (FileColumn, error) {
	out := FileColumn{Name: c.Name(), Optional: c.MaxDefinitionLevel() == 1}
	if c.MaxRepetitionLevel() > 0 || c.MaxDefinitionLevel() > 1 {
		return out, fmt.Errorf("column %s: nested", c.Name())
	}
	logical := c.LogicalType()
	none := logical == nil || logical.Equals(schema.NoLogicalType{})
	switch p := c.PhysicalType(); {
	case p == parquet.Types.ByteArray:
		out.Type, out.Binary = parse.String, none
	case p == parquet.Types.Int32 && none:
		out.Type = parse.Int32
	case p == parquet.Types.Int32 && logical.Equals(schema.DateLogicalType{}):
		out.Type = parse.Date
	case p == parquet.Types.Int64 && none:
		out.Type = parse.Int64
	case p == parquet.Types.Int64 &&
		logical.Equals(schema.NewTimestampLogicalType(true, schema.TimeUnitMicros)):
		out.Type = parse.Timestamp
	case p == parquet.Types.Double:
		out.Type = parse.Float64
	case p == parquet.Types.Boolean:
		out.Type = parse.Bool
	default:
		return out, fmt.Errorf("column %s: no type of ours: %s, %s", c.Name(), p, logical)
	}
	return out, nil
}

// checkGroup checks a row group's metadata as far as it can be wrong without any page.
func (f *File) checkGroup(i int) error {
	g := f.meta.RowGroup(i)
	if n := g.NumRows(); n <= 0 || n > maxGroupRows || g.NumColumns() != len(f.columns) {
		return fmt.Errorf("row group %d: %d rows of %d columns", i, n, g.NumColumns())
	}
	for c := range f.columns {
		chunk, err := g.ColumnChunk(c)
		if err != nil {
			return fmt.Errorf("row group %d: column %s: %w", i, f.columns[c].Name, err)
		}
		if chunk.NumValues() != g.NumRows() {
			return fmt.Errorf("row group %d: column %s: %d values of %d rows", i, f.columns[c].Name,
				chunk.NumValues(), g.NumRows())
		}
	}
	return nil
}

// Columns describes the file's columns, in their order.
func (f *File) Columns() []FileColumn { return f.columns }

// Groups is the number of row groups.
func (f *File) Groups() int { return len(f.meta.RowGroups) }

// Rows is the number of rows in all row groups.
func (f *File) Rows() (n int64) {
	for i := range f.Groups() {
		n += f.meta.RowGroup(i).NumRows()
	}
	return n
}

// Group reads all columns of a row group.
func (f *File) Group(i int) ([]parse.Vector, error) {
	vs := make([]parse.Vector, len(f.columns))
	for c := range vs {
		v, err := f.Column(i, c)
		if err != nil {
			return nil, err
		}
		vs[c] = *v
	}
	return vs, nil
}

// Column reads one column of a row group.
func (f *File) Column(group, column int) (v *parse.Vector, err error) {
	doing := fmt.Sprintf("read row group %d: column %s", group, f.columns[column].Name)
	defer recoverDamage(doing, &err)
	chunk, err := f.readChunk(group, column)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	r := chunkReader{column: f.columns[column], rows: int(f.meta.RowGroup(group).NumRows())}
	r.out.Type = r.column.Type
	if err := r.read(chunk); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return &r.out, nil
}

// readChunk reads the bytes of a column chunk.
func (f *File) readChunk(group, column int) ([]byte, error) {
	c, err := f.meta.RowGroup(group).ColumnChunk(column)
	if err != nil {
		return nil, err
	}
	start, n := c.DataPageOffset(), c.TotalCompressedSize()
	if c.HasDictionaryPage() {
		start = c.DictionaryPageOffset()
	}
	if start < 0 || n < 0 || start > f.size || n > f.size-start {
		return nil, fmt.Errorf("%d bytes at %d of a file of %d", n, start, f.size)
	}
	if c.Compression() != compress.Codecs.Zstd {
		return nil, fmt.Errorf("compressed as %s", c.Compression())
	}
	b := make([]byte, n)
	if k, err := f.in.ReadAt(b, start); k < len(b) {
		return nil, err
	}
	return b, nil
}
