package files_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
)

// BenchmarkFind looks at 2,000 files: what tail does each second.
func BenchmarkFind(b *testing.B) {
	dir := b.TempDir()
	for i := range 2000 {
		path := filepath.Join(dir, fmt.Sprintf("d%d/app-%d.log", i%20, i))
		require.NoError(b, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(b, os.WriteFile(path, nil, 0o666))
	}
	old := time.Now().Add(-time.Minute)
	for i := range 20 {
		require.NoError(b, os.Chtimes(filepath.Join(dir, fmt.Sprintf("d%d", i)), old, old))
	}
	require.NoError(b, os.Chtimes(dir, old, old))
	for _, pattern := range []string{"d*/*.log", "**/*.log"} {
		b.Run("Find/"+pattern, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				found, err := files.Find(files.OS(), []string{filepath.Join(dir, pattern)}, nil)
				require.NoError(b, err)
				require.Len(b, found, 2000)
			}
		})
		b.Run("Finder/"+pattern, func(b *testing.B) {
			b.ReportAllocs()
			f := files.NewFinder(files.OS(), []string{filepath.Join(dir, pattern)}, nil)
			for b.Loop() {
				found, unread, err := f.Find(context.Background())
				require.NoError(b, err)
				require.Empty(b, unread)
				require.Len(b, found, 2000)
			}
		})
	}
}
