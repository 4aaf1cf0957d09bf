package offsetstest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// Holding opens a new ledger that has one source, as update makes it.
func Holding(t *testing.T, update func(*offsets.Source)) (*offsets.Ledger, source.Key) {
	l, err := offsets.Open(t.TempDir(), offsets.Meta{Sink: "sink"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	key := source.KeyOf(source.Table{Stream: "s", Version: 1}, "", 0, []byte("a1\n"))
	require.NoError(t, l.Update(key, func(s *offsets.Source) error { update(s); return nil }))
	return l, key
}
