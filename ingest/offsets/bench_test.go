package offsets_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/offsets/offsetstest"
	"logseal/ingest/source"
)

// A host with 200,000 sources that ever were, of which few wait or are behind.
const (
	benchSources = 200_000
	benchWaiting = 100
	benchBehind  = 1_000
)

// benchLedger makes the ledger of the benchmarks.
func benchLedger(b *testing.B) (dir string) {
	dir = b.TempDir()
	l, err := offsets.Open(dir, offsets.Meta{})
	require.NoError(b, err)
	offsetstest.Fill(b, l, benchSources, func(i int, s *offsets.Source) {
		if i%(benchSources/benchBehind) == 0 {
			s.File.Size++
		}
		if i%(benchSources/benchWaiting) == 1 {
			s.Outbox = []offsets.Entry{{Range: source.Range{Start: 10_000, End: s.Sealed.Offset}, Spool: "x"}}
			s.Shipped = 10_000
		}
	})
	require.NoError(b, l.Close())
	info, err := os.Stat(filepath.Join(dir, offsets.FileName))
	require.NoError(b, err)
	b.Logf("%d sources, %d MiB", benchSources, info.Size()>>20)
	return dir
}

func BenchmarkLedger_Large(b *testing.B) {
	dir := benchLedger(b)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			l, err := offsets.Open(dir, offsets.Meta{})
			require.NoError(b, err)
			require.NoError(b, l.Close())
		}
	})
	l, err := offsets.Open(dir, offsets.Meta{})
	require.NoError(b, err)
	defer l.Close()
	b.Run("waiting", func(b *testing.B) {
		for b.Loop() {
			all, err := l.Waiting()
			require.NoError(b, err)
			require.Len(b, all, benchWaiting)
		}
	})
	b.Run("behind", func(b *testing.B) {
		for b.Loop() {
			all, err := l.Behind()
			require.NoError(b, err)
			require.Len(b, all, benchBehind)
		}
	})
	b.Run("has table", func(b *testing.B) {
		for b.Loop() {
			has, err := l.HasTable(offsetstest.Table)
			require.NoError(b, err)
			require.True(b, has)
		}
	})
	b.Run("update", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, l.Update(offsetstest.Key(5), func(s *offsets.Source) error {
				s.K++
				return nil
			}))
		}
	})
	b.Run("delete", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			require.NoError(b, l.Delete(offsetstest.Key(10+i)))
		}
	})
}
