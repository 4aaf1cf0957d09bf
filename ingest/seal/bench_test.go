package seal

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// genCombined gives an access log of about size bytes, as busy and as varied as a real one.
func genCombined(size int) []byte {
	r := rand.New(rand.NewPCG(7, 7))
	zipf := rand.NewZipf(r, 1.2, 4, 1<<20)
	agents := make([]string, 400)
	for i := range agents {
		agents[i] = fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) AppleWebKit/537.36 "+
			"(KHTML, like Gecko) Chrome/%d.0.%d Safari/537.36", r.IntN(120), r.IntN(120), r.IntN(9999))
	}
	at := time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	for b.Len() < size {
		at = at.Add(time.Duration(r.IntN(40)) * time.Millisecond)
		who := zipf.Uint64() * 0x9e3779b9
		fmt.Fprintf(&b, "%d.%d.%d.%d - - [%s] \"GET /blog/%d/item-%d?page=%d HTTP/1.1\" %d %d "+
			"\"https://www.example.com/%d\" \"%s\"\n", byte(who), byte(who>>8), byte(who>>16),
			byte(who>>24), at.Format("02/Jan/2006:15:04:05 -0700"), zipf.Uint64(), zipf.Uint64(),
			r.IntN(9), []int{200, 200, 200, 200, 304, 404, 301}[r.IntN(7)], r.IntN(100000),
			zipf.Uint64(), agents[int(zipf.Uint64())%len(agents)])
	}
	return b.Bytes()
}

// discardFiles are files that nobody reads.
type discardFiles struct{ size *int64 }

func (f discardFiles) Create(string) (io.WriteCloser, error) { return f, nil }
func (f discardFiles) Close() error                          { return nil }
func (f discardFiles) Write(b []byte) (int, error) {
	*f.size += int64(len(b))
	return len(b), nil
}

// keptGroups keeps copies of the groups that are flushed.
type keptGroups struct {
	batch.GroupWriter
	groups []*batch.Group
}

func (k *keptGroups) WriteGroup(g *batch.Group) error {
	c := &batch.Group{Partition: g.Partition, Offsets: append([]int64(nil), g.Offsets...)}
	for i := range g.Columns {
		v := parse.Vector{Type: g.Columns[i].Type}
		v.AppendFrom(&g.Columns[i], 0, len(g.Offsets))
		c.Columns = append(c.Columns, v)
	}
	k.groups = append(k.groups, c)
	return nil
}

func benchInput(tb testing.TB, name string) Input {
	def := preset(name)
	p, err := parse.New(def)
	require.NoError(tb, err)
	return Input{Key: source.Key{Table: source.Table{Stream: name, Version: 1}},
		Epoch: &table.Epoch{Stream: name, Parser: def}, Parser: p, Start: source.Origin(),
		MaxPartitions: 64}
}

// BenchmarkEncode measures groups of rows to objects; MB/s are of the log they came from.
func BenchmarkEncode(b *testing.B) {
	data := genCombined(64 << 20)
	in := benchInput(b, "combined")
	kept := &keptGroups{}
	builder := batch.NewBuilder(batch.Config{Parser: in.Parser, MaxPartitions: 64}, 0, kept)
	_, _, err := builder.Add(source.Chunk{Data: data})
	require.NoError(b, err)
	_, err = builder.Finish(int64(len(data)))
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var size int64
	for b.Loop() {
		size = 0
		o, err := newObjects(in, discardFiles{&size})
		require.NoError(b, err)
		for _, g := range kept.groups {
			require.NoError(b, o.WriteGroup(g))
		}
		_, err = o.close(&table.Manifest{})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(size)/float64(len(data)), "out/in")
}

// BenchmarkSeal measures chunks to objects, parsing included.
func BenchmarkSeal(b *testing.B) {
	data := genCombined(64 << 20)
	in := benchInput(b, "combined")
	end := (&memChunks{data: data, at: int64(len(data))}).Point()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var size int64
		_, err := Seal(in, &pointChunks{memChunks{data: data, start: in.Start, step: 1 << 20,
			maxRecord: 1 << 20}, end}, discardFiles{&size})
		require.NoError(b, err)
	}
}

// pointChunks knows where it ends.
type pointChunks struct {
	memChunks
	end source.Point
}

func (c *pointChunks) Point() source.Point { return c.end }

func (c *pointChunks) Marks() []source.Mark { return nil }

// repeatChunks gives the same bytes n times as a chunk each.
type repeatChunks struct {
	kind source.ChunkKind
	data []byte
	n    int
	at   int64
}

func (c *repeatChunks) Next() (source.Chunk, error) {
	if c.n == 0 {
		return source.Chunk{}, io.EOF
	}
	c.n--
	x := source.Chunk{Kind: c.kind, Offset: c.at, Line: c.at, Data: c.data}
	c.at = x.End()
	return x, nil
}

func (c *repeatChunks) Cut(int64) {}

func (c *repeatChunks) Point() source.Point {
	p := source.Origin()
	p.Offset = c.at
	return p
}

func (c *repeatChunks) Marks() []source.Mark { return nil }

// Two batches are sealed at a time in a process of 512 MiB: what one takes must stay far below,
// whatever is in it.
func TestSeal_MemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("seals more than 300 MiB")
	}
	noise := make([]byte, 1<<20)
	r := rand.New(rand.NewPCG(3, 3))
	for i := range noise {
		noise[i] = byte('!' + r.IntN(90))
	}
	noise[len(noise)-1] = '\n'
	for name, c := range map[string]*repeatChunks{
		"rejects of 1 MiB":   {kind: source.TooLong, data: noise, n: 256},
		"combined lines":     {kind: source.Lines, data: genCombined(1 << 20), n: 40},
		"rejects of 2 bytes": {kind: source.Lines, data: bytes.Repeat([]byte("x\n"), 1<<19), n: 2},
	} {
		t.Run(name, func(t *testing.T) {
			in := benchInput(t, "combined")
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			p := &peak{Chunks: c, before: m.HeapAlloc}
			_, err := Seal(in, p, p)
			require.NoError(t, err)
			t.Logf("heap grew by at most %d MiB", p.grew>>20)
			require.Less(t, p.grew, uint64(180<<20))
		})
	}
}

// peak notes how far the heap grows at most, garbage included: it looks whenever a chunk is asked
// for and whenever bytes are written.
type peak struct {
	Chunks
	before, grew uint64
}

func (p *peak) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.grew = max(p.grew, m.HeapAlloc-min(p.before, m.HeapAlloc))
}

func (p *peak) Next() (source.Chunk, error) {
	p.look()
	return p.Chunks.Next()
}

func (p *peak) Create(string) (io.WriteCloser, error) { return p, nil }
func (p *peak) Close() error                          { return nil }
func (p *peak) Write(b []byte) (int, error) {
	p.look()
	return len(b), nil
}
