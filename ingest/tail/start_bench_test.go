package tail

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/offsets/offsetstest"
	"logseal/ingest/sink"
	"logseal/ingest/table"
)

// A tail starts with 200,000 sources that ever were, until it first looks for files.
func BenchmarkTail_Start(b *testing.B) {
	const sources = 200_000
	p := newPond(b, b.TempDir())
	p.of = offsetstest.Table
	ledger, err := offsets.Open(filepath.Join(p.dir, "state"), offsets.Meta{Sink: "memory", Origin: "host"})
	require.NoError(b, err)
	offsetstest.Fill(b, ledger, sources, func(i int, s *offsets.Source) {
		if i%200 == 0 {
			s.File.Size++
		}
	})
	require.NoError(b, ledger.Close())
	require.NoError(b, sink.PutDocument(b.Context(), p.sink, table.RootKey, table.RootJSON()))
	for b.Loop() {
		looked := make(chan struct{}, 1)
		p.cfg.Follow[0].Find = func(ctx context.Context) ([]files.Found, []files.Unread, error) {
			select {
			case looked <- struct{}{}:
			default:
			}
			return nil, nil, nil
		}
		tail := New(p.open())
		ctx, stop := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- tail.Run(ctx) }()
		<-looked
		stop()
		require.NoError(b, <-done)
		require.NoError(b, p.ledger.Close())
	}
	require.Zero(b, p.scans.Load())
}
