package bench

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

func TestWindow_HoldsTheChunksOfAFile(t *testing.T) {
	data := append([]byte(source.BOM), generateApp(5<<20)...)
	fsys := filestest.New()
	fsys.Write("/log", data)
	f, err := files.Open(fsys, "/log")
	require.NoError(t, err)
	defer f.Close()
	r, err := f.Reader(t.Context(), source.Origin(), 1<<20)
	require.NoError(t, err)
	r.Begin(0, 0)
	var w window
	var all []byte
	for {
		err := w.fill(t.Context(), r, 2<<20)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(w.buf), 3<<20)
		for _, c := range w.chunks {
			require.Equal(t, int64(len(all)), c.Offset)
			all = append(all, c.Data...)
		}
	}
	require.True(t, bytes.Equal(data, all))
}

func TestNextSize(t *testing.T) {
	require.Equal(t, windowMax, nextSize(100, 0))
	require.Equal(t, windowMax, nextSize(1<<20, 1<<10))
	require.Equal(t, windowMin, nextSize(1<<10, 1<<30))
	require.Equal(t, groupBytes/2, nextSize(1<<20, 2<<20))
}

// patternFS holds one file of size bytes, the text again and again, and none of them in memory. It
// measures the live heap now and then.
type patternFS struct {
	files.FS
	text  string
	size  int64
	reads int
	most  uint64
}

func (p *patternFS) Open(string) (files.Handle, error) { return &patternHandle{p}, nil }

type patternHandle struct{ *patternFS }

func (p *patternHandle) Stat() (files.Stat, error) { return files.Stat{Size: p.size}, nil }

func (p *patternHandle) Close() error { return nil }

func (p *patternHandle) ReadAt(b []byte, off int64) (int, error) {
	if p.reads++; p.reads%16 == 0 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		p.most = max(p.most, s.HeapAlloc)
	}
	n := int(max(0, min(int64(len(b)), p.size-off)))
	for i := 0; i < n; {
		i += copy(b[i:n], p.text[(off+int64(i))%int64(len(p.text)):])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func TestRun_MemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 120 MiB")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const bound = 80 << 20
	line := strings.Repeat("no line of this format ", 200) + "\n"
	fsys := &patternFS{text: strings.Repeat(line, 20), size: 3 * bound / 2}
	r, err := Run(t.Context(), options(t, fsys, pattern(t, `(?P<a>a)`), "/log"))
	require.NoError(t, err)
	require.Equal(t, fsys.size, r.Bytes)
	require.Positive(t, fsys.most)
	t.Logf("live heap at most %d MiB", fsys.most>>20)
	require.Less(t, fsys.most, uint64(bound))
}
