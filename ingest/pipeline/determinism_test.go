package pipeline

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// tree is what the sink holds: the digest of every file that is not a writer's own, nor tells when and
// where it was made.
func (b *yard) tree() map[string]source.Digest {
	out := filepath.Join(b.root, "out")
	files := map[string]source.Digest{}
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == ".tmp" || path == filepath.Join(out, table.SourceFolder) {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		body, err := os.ReadFile(path)
		name := strings.TrimPrefix(path, out)
		if strings.HasPrefix(name, "/"+table.SourceFolder) {
			body = nil // a note says when it was written
		}
		files[name] = source.DigestOf(body)
		return err
	})
	require.NoError(b.t, err)
	return files
}

// logOf is a log with rejects and blank lines, longer than several batches and a chunk.
func logOf(name string) string {
	var s strings.Builder
	for i := range 9000 {
		switch {
		case i%97 == 96:
			s.WriteString("reject " + name + "\r\n")
		case i%501 == 500:
			s.WriteString("\n")
		default:
			fmt.Fprintf(&s, "%s%d\n", name, i*7919)
		}
	}
	return s.String()
}

// The tree is a pure function of the logs' bytes: not of workers, processors, memory, compression
// or how often it is made.
func TestLoad_IsDeterministic(t *testing.T) {
	logs := map[string]string{"a": logOf("a"), "b": logOf("b"), "c": logOf("c")}
	load := func(workers int, pack func(string) []byte) map[string]source.Digest {
		b := newYard(t)
		b.cfg.Workers = workers
		b.cfg.Streams[0].MaxBytes = 30_000
		var names []string
		for n, body := range logs {
			b.write(n, pack(body))
			names = append(names, n)
		}
		require.Empty(t, b.load(names...).Problems)
		return b.tree()
	}
	plain := func(s string) []byte { return []byte(s) }
	want := load(1, plain)
	require.Greater(t, len(want), 9)

	for _, workers := range []int{2, 3, 8} {
		require.Equal(t, want, load(workers, plain), "%d workers", workers)
	}
	require.Equal(t, want, load(2, func(s string) []byte {
		return filestest.Gzip([]byte(s[:1000]), []byte(s[1000:]))
	}), "gzip")
	require.Equal(t, want, load(2, func(s string) []byte { return filestest.Zstd([]byte(s)) }), "zstd")

	for range 20 {
		require.Equal(t, want, load(0, plain))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	require.Equal(t, want, load(2, plain), "one processor")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(64 << 20))
	require.Equal(t, want, load(2, plain), "little memory")
}
