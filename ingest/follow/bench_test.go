package follow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/follow"
)

// BenchmarkFile takes 64 MiB of a log into memory, and reads them from there.
func BenchmarkFile(b *testing.B) {
	line := "127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] \"GET /%d HTTP/1.1\" 200 %d\n"
	var text []byte
	for i := 0; len(text) < 64<<20; i++ {
		text = fmt.Appendf(text, line, i*7919%100_003, i*31%4999)
	}
	path := filepath.Join(b.TempDir(), "app.log")
	require.NoError(b, os.WriteFile(path, text, 0o666))
	l, err := follow.Open(files.OS(), path)
	require.NoError(b, err)
	defer l.Close()
	b.Run("Read", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			require.NoError(b, l.Begin(0))
			n, err := l.Read(1 << 40)
			require.NoError(b, err)
			require.Equal(b, int64(len(text)), n)
		}
		b.ReportMetric(float64(len(text))/float64(l.Held()), "times-smaller")
	})
	b.Run("Snapshot", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		buf := make([]byte, 1<<20)
		for b.Loop() {
			f, err := l.Handle(int64(len(text)))
			require.NoError(b, err)
			for off := 0; off < len(text); off += len(buf) {
				_, err = f.ReadAt(buf[:min(len(buf), len(text)-off)], int64(off))
				require.NoError(b, err)
			}
			require.NoError(b, f.Close())
		}
	})
}
