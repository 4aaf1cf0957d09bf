package files_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// endless is a file system whose files hold size bytes, all of them fill, that are made as they are
// read.
type endless struct {
	fill byte
	size int64
}

func (e endless) stat() files.Stat                  { return files.Stat{Size: e.size} }
func (e endless) Open(string) (files.Handle, error) { return endlessHandle{e}, nil }
func (e endless) Stat(string) (files.Stat, error)   { return e.stat(), nil }
func (e endless) Glob(string) ([]string, error)     { return nil, nil }

type endlessHandle struct{ endless }

func (h endlessHandle) Stat() (files.Stat, error) { return h.stat(), nil }
func (h endlessHandle) Close() error              { return nil }

func (h endlessHandle) ReadAt(p []byte, off int64) (int, error) {
	n := min(int64(len(p)), h.size-off)
	for i := range p[:n] {
		p[i] = h.fill
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// bomb is a stored file that grows a great deal; Stat and ReadAt are those of its stored bytes.
func bomb(t *testing.T, open func(io.Writer) io.WriteCloser, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	for part := make([]byte, 1<<20); size > 0; size -= len(part) {
		_, err := w.Write(part)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// readCounting reads all of f and gives how much memory was ever allocated for it. Every byte is
// taken, in whole records.
func readCounting(t *testing.T, f *files.File, maxRecord int, each func(source.Chunk)) (
	r *files.Reader, allocated int) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := f.Reader(ctx, source.Origin(), maxRecord)
	require.NoError(t, err)
	end := int64(0)
	for !r.AtEnd() {
		r.Begin(7<<20, 0)
		for {
			c, err := r.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			require.Equal(t, end, c.Offset)
			end = c.End()
			each(c)
		}
	}
	runtime.ReadMemStats(&after)
	require.Equal(t, end, r.Point().Offset)
	return r, int(after.TotalAlloc - before.TotalAlloc)
}

func TestReader_Memory_IsBounded(t *testing.T) {
	const size = 24 << 20
	gzipBomb := bomb(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, size)
	zstdBomb := bomb(t, func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		require.NoError(t, err)
		return z
	}, size)
	for name, c := range map[string]struct {
		open      func(t *testing.T) *files.File
		maxRecord int
		allocMax  int
	}{
		"one line":               {openEndless('x', size), 1 << 20, 4 << 20},
		"one line, long records": {openEndless('x', size), 4 << 20, 12 << 20},
		"one line, odd records":  {openEndless('x', size), 1<<20 + 77, 4 << 20},
		"newlines":               {openEndless('\n', size), 1 << 20, 4 << 20},
		"a hole":                 {openEndless(0, size), 1 << 20, 4 << 20},
		"CRs":                    {openEndless('\r', size), 1 << 20, 4 << 20},
		"gzip bomb":              {openStored(gzipBomb), 1 << 20, 5 << 20},
		"zstd bomb":              {openStored(zstdBomb), 1 << 20, 20 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.open(t)
			defer f.Close()
			total := 0
			r, allocated := readCounting(t, f, c.maxRecord, func(c source.Chunk) { total += len(c.Data) })
			require.Equal(t, size, total)
			require.LessOrEqual(t, r.BufferSize(), max(1<<20, c.maxRecord+2))
			require.LessOrEqual(t, allocated, c.allocMax)
		})
	}
}

func openEndless(fill byte, size int64) func(t *testing.T) *files.File {
	return func(t *testing.T) *files.File {
		f, err := files.Open(endless{fill, size}, "x")
		require.NoError(t, err)
		return f
	}
}

func openStored(stored []byte) func(t *testing.T) *files.File {
	return func(t *testing.T) *files.File {
		f, _ := openBytes(t, stored)
		return f
	}
}

// The largest window is what zstd itself decodes unasked.
func TestReader_Memory_ZstdWindowOf128MiB(t *testing.T) {
	f, fsys := openBytes(t, []byte("\x28\xb5\x2f\xfd\x00\x88\x11\x00\x00a\n"))
	defer closeAll(t, f, fsys)
	got, err := filestest.ReadAll(newReader(t, f, 100), 0)
	require.NoError(t, err)
	require.Equal(t, "a\n", string(got))
}

func BenchmarkReader(b *testing.B) {
	line := []byte("127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326\n")
	data := bytes.Repeat(line, 1<<18)
	for _, enc := range filestest.Encodings {
		b.Run(enc.Name, func(b *testing.B) {
			f, _ := openBytes(b, enc.Store(data, len(data)/2))
			defer f.Close()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := f.Reader(ctx, source.Origin(), 1<<20)
				require.NoError(b, err)
				r.Begin(0, 0)
				n, err := readOn(r)
				require.NoError(b, err)
				require.Equal(b, len(data), n)
			}
		})
	}
}
