package parquet

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// magic begins and ends a Parquet file.
const magic = "PAR1"

// Column is a column of a file.
type Column struct {
	Name     string
	Type     parse.Type
	Optional bool
	Binary   bool // a String that is any bytes
	Rising   bool // whole numbers that mostly rise
}

// encoding is how the column's data pages hold values when there is no dictionary.
func (c Column) encoding() parquet.Encoding {
	switch c.Type {
	case parse.Int32, parse.Int64, parse.Timestamp, parse.Date, parse.Duration:
		return parquet.Encodings.DeltaBinaryPacked
	}
	return parquet.Encodings.Plain
}

// node is the column in the schema of a file.
func (c Column) node() (schema.Node, error) {
	rep := parquet.Repetitions.Required
	if c.Optional {
		rep = parquet.Repetitions.Optional
	}
	var logical schema.LogicalType = schema.NoLogicalType{}
	physical := parquet.Types.Int64
	switch c.Type {
	case parse.String, parse.IP:
		physical = parquet.Types.ByteArray
		if !c.Binary {
			logical = schema.StringLogicalType{}
		}
	case parse.Int32:
		physical = parquet.Types.Int32
	case parse.Float64:
		physical = parquet.Types.Double
	case parse.Bool:
		physical = parquet.Types.Boolean
	case parse.Date:
		physical, logical = parquet.Types.Int32, schema.DateLogicalType{}
	case parse.Timestamp:
		logical = schema.NewTimestampLogicalType(true, schema.TimeUnitMicros)
	}
	const noLength, noID = -1, -1
	n, err := schema.NewPrimitiveNodeLogical(c.Name, rep, logical, physical, noLength, noID)
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", c.Name, err)
	}
	return n, nil
}

// Layout is the schema of a file with what follows from it. Files may share one.
type Layout struct {
	Columns []Column
	schema  *schema.Schema
	props   *parquet.WriterProperties
}

// NewLayout gives the layout of files with these columns. createdBy stands in each of them: it names the
// encoder, not the program, since a new program with the same encoder writes the same bytes.
func NewLayout(columns []Column, createdBy string) (*Layout, error) {
	opts := []parquet.WriterProperty{
		parquet.WithCreatedBy(createdBy),
		parquet.WithCompression(compress.Codecs.Zstd),
	}
	nodes := make(schema.FieldList, len(columns))
	for i, c := range columns {
		n, err := c.node()
		if err != nil {
			return nil, err
		}
		nodes[i] = n
		opts = append(opts, parquet.WithEncodingFor(c.Name, c.encoding()))
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &Layout{columns, schema.NewSchema(root), parquet.NewWriterProperties(opts...)}, nil
}

// tally counts and hashes what goes to a file.
type tally struct {
	w    io.Writer
	hash hash.Hash
	size int64
}

func (t *tally) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.hash.Write(p[:n])
	t.size += int64(n)
	return n, err
}

// position is a buffered writer that knows where it stands, as arrow's page writer asks.
type position struct {
	w  *bufio.Writer
	at int64
}

func (p *position) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.at += int64(n)
	return n, err
}

func (p *position) Tell() int64 { return p.at }

// FileWriter writes one Parquet file. It makes the container with arrow's builders and not with
// arrow's file writer, which decides on dictionaries for the whole file, loses the error of its
// last writes and panics on that of its first.
type FileWriter struct {
	layout *Layout
	file   io.WriteCloser
	tally  *tally
	out    *position
	meta   *metadata.FileMetaDataBuilder
	groups int
	Rows   int64
}

// bufferBytes is small: a batch has a file, and so a buffer, for each partition.
const bufferBytes = 32 << 10

// NewFileWriter begins a file and owns f from then on: close or abort the writer.
func NewFileWriter(f io.WriteCloser, l *Layout) *FileWriter {
	t := &tally{w: f, hash: sha256.New()}
	w := &FileWriter{
		layout: l, file: f, tally: t,
		out:  &position{w: bufio.NewWriterSize(t, bufferBytes)},
		meta: metadata.NewFileMetadataBuilder(l.schema, l.props, nil),
	}
	io.WriteString(w.out, magic) // an error stays in the buffer
	return w
}

// WriteGroup appends a row group; cols has the values of each column.
func (w *FileWriter) WriteGroup(chunks *ChunkWriter, rows int, cols []Values) error {
	if len(cols) != len(w.layout.Columns) || rows == 0 || w.groups == math.MaxInt16 {
		return fmt.Errorf("row group %d: %d columns of %d rows do not fit", w.groups, len(cols), rows)
	}
	ordinal := int16(w.groups)
	group := w.meta.AppendRowGroup()
	var size int64
	for i, c := range w.layout.Columns {
		meta := group.NextColumnChunk()
		pager, err := file.NewPageWriter(w.out, compress.Codecs.Zstd,
			compress.DefaultCompressionLevel, meta, ordinal, int16(i), memory.DefaultAllocator,
			false, nil, nil)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if err := chunks.write(pager, meta, c, cols[i], rows); err != nil {
			return err
		}
		size += meta.Contents().MetaData.GetTotalUncompressedSize()
	}
	group.SetNumRows(rows)
	if err := group.Finish(size, ordinal); err != nil {
		return err
	}
	w.groups++
	w.Rows += int64(rows)
	return nil
}

// Close ends the file and says what was written. The file is closed, whatever happens.
func (w *FileWriter) Close() (size int64, sum source.Digest, err error) {
	err = w.writeFooter()
	if e := w.file.Close(); err == nil {
		err = e
	}
	return w.tally.size, source.Digest(w.tally.hash.Sum(nil)), err
}

func (w *FileWriter) writeFooter() error {
	footer, err := w.meta.Finish()
	if err != nil {
		return err
	}
	n, err := footer.WriteTo(w.out, nil)
	if err != nil {
		return err
	}
	end := append(binary.LittleEndian.AppendUint32(nil, uint32(n)), magic...)
	if _, err := w.out.Write(end); err != nil {
		return err
	}
	return w.out.w.Flush()
}

// Abort closes the file as it is.
func (w *FileWriter) Abort() error { return w.file.Close() }
