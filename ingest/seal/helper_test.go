package seal

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// memFile is a file in memory.
type memFile struct {
	bytes.Buffer
	closed int
}

func (f *memFile) Close() error {
	f.closed++
	return nil
}

// memFiles are files in memory.
type memFiles struct {
	files map[string]*memFile
	fail  string // the file whose creation fails
}

func newMemFiles() *memFiles { return &memFiles{files: map[string]*memFile{}, fail: "none"} }

func (m *memFiles) Create(name string) (io.WriteCloser, error) {
	if name == m.fail {
		return nil, fmt.Errorf("create %s: refused", name)
	}
	f := &memFile{}
	m.files[name] = f
	return f, nil
}

// memChunks gives data in pieces of about step bytes. A line of more than maxRecord bytes before
// its line end comes in fragments, and the rest of a half line at the start as Continued.
type memChunks struct {
	data      []byte // the whole source
	start     source.Point
	at        int64 // where the next piece begins
	step      int
	maxRecord int
	err       error // after the last piece, instead of io.EOF
}

func (c *memChunks) Next() (source.Chunk, error) {
	if c.at == int64(len(c.data)) {
		if c.err != nil {
			return source.Chunk{}, c.err
		}
		return source.Chunk{}, io.EOF
	}
	x := c.piece()
	c.at = x.End()
	return x, nil
}

func (c *memChunks) piece() source.Chunk {
	rest := c.data[c.at:]
	x := source.Chunk{Offset: c.at, Line: c.at}
	if c.at == 0 && bytes.HasPrefix(rest, []byte(source.BOM)) {
		x.Kind, x.Data = source.ByteOrderMark, rest[:len(source.BOM)]
		return x
	}
	if c.at == c.start.Offset && c.start.Line < c.at {
		x.Kind, x.Line = source.Continued, c.start.Line
		x.Data, _ = firstLine(rest)
		return x
	}
	if i := bytes.LastIndexByte(c.data[:c.at], '\n') + 1; c.at > 0 && c.at != int64(i) &&
		c.at != int64(len(source.BOM)) {
		x.Kind, x.Line = source.TooLong, int64(i)
		x.Data = c.fragment(rest)
		return x
	}
	if line, content := firstLine(rest); content > c.maxRecord {
		x.Kind, x.Data = source.TooLong, c.fragment(line)
		return x
	}
	for n := 0; ; {
		line, content := firstLine(rest[n:])
		if n > 0 && (n >= c.step || content > c.maxRecord) || len(line) == 0 {
			x.Data = rest[:n]
			x.Open = rest[n-1] != '\n'
			return x
		}
		n += len(line)
	}
}

func (c *memChunks) fragment(rest []byte) []byte {
	line, content := firstLine(rest)
	if content <= c.maxRecord {
		return line
	}
	return line[:c.maxRecord]
}

func firstLine(b []byte) (line []byte, content int) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, len(b)
	}
	return b[:i+1], len(source.TrimLineEnd(b[:i+1]))
}

func (c *memChunks) Cut(end int64) { c.at = end }

func (c *memChunks) Point() source.Point { return c.chain().Point() }

func (c *memChunks) Marks() []source.Mark { return c.chain().Marks(c.start.Offset, c.at) }

func (c *memChunks) chain() *source.Chain {
	chain := source.NewChain()
	chain.Write(c.data[:c.at])
	return chain
}

// sample is a log, how it is parsed, and how its batches are cut.
type sample struct {
	name          string
	def           parse.Definition
	partition     batch.Granularity
	maxPartitions int
	maxRecord     int
	origin        string
	data          []byte
}

// sealed is what sealing a sample gave.
type sealed struct {
	batches []*Batch
	objects map[string][]byte // by key
}

// sealAll seals a sample to its end, a batch after the other.
func (s sample) sealAll(t require.TestingT, step int) sealed {
	out := sealed{objects: map[string][]byte{}}
	p, err := parse.New(s.def)
	require.NoError(t, err)
	in := Input{
		Key: source.Key{Table: source.Table{Stream: s.name, Version: 1}, Origin: s.origin,
			ID: source.NewID(s.origin, s.name, 0, s.data[:1])},
		Epoch:  &table.Epoch{Stream: s.name, Parser: s.def, Partition: s.partition},
		Parser: p, Start: source.Origin(), MaxPartitions: s.maxPartitions,
	}
	for {
		files := newMemFiles()
		b, err := Seal(in, &memChunks{data: s.data, start: in.Start, at: in.Start.Offset, step: step,
			maxRecord: s.maxRecord}, files)
		if err == io.EOF {
			return out
		}
		require.NoError(t, err)
		require.NoError(t, b.Manifest.Validate())
		require.Len(t, b.Names, len(b.Manifest.Objects))
		require.Len(t, files.files, len(b.Names))
		for i, o := range b.Manifest.Objects {
			f := files.files[b.Names[i]]
			require.Equal(t, 1, f.closed)
			require.EqualValues(t, f.Len(), o.Bytes)
			require.Equal(t, source.DigestOf(f.Bytes()), o.SHA256)
			out.objects[o.Key] = f.Bytes()
		}
		out.batches = append(out.batches, b)
		in.Start = b.End
	}
}

// genLines gives lines of the app format with all that can happen to a line.
func genLines(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	b.WriteString(source.BOM)
	at := time.Date(2024, 1, 15, 22, 0, 0, 0, time.UTC)
	for i := range n {
		at = at.Add(time.Duration(r.IntN(2_000_000)) * time.Microsecond)
		switch r.IntN(200) {
		case 0:
			b.WriteString("\r\n")
			continue
		case 1:
			fmt.Fprintf(&b, "no line of the app %d\n", i)
			continue
		case 2:
			b.WriteString("2024-01-15T10:30:00Z INFO m: \xff\xfe\n")
			continue
		case 3:
			b.Write(bytes.Repeat([]byte{'x'}, 5000))
			b.WriteByte('\n')
			continue
		case 4:
			at = at.Add(-40 * time.Minute)
		}
		severity := []string{"INFO", "INFO", "INFO", "WARN", "ERROR"}[r.IntN(5)]
		fmt.Fprintf(&b, "%s %s module.%d: request %x took %dms\n", at.Format(time.RFC3339Nano),
			severity, r.IntN(20), r.Uint64(), r.IntN(1000))
	}
	b.WriteString("2024-01-15T10:30:00Z INFO m: no line end")
	return b.Bytes()
}
