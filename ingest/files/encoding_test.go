package files_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

// However a file is stored, Sniff is sure with SniffLen bytes, and is never sure of the wrong encoding.
func TestSniff_IsSureInTime(t *testing.T) {
	for _, enc := range filestest.Encodings {
		stored := enc.Store([]byte("a line of a log\n"), 3)
		want, sure := files.Sniff(stored)
		require.True(t, sure, enc.Name)
		require.Equal(t, enc.Name != "plain", want.Compressed(), enc.Name)
		for n := range stored {
			have, sure := files.Sniff(stored[:n])
			require.Equal(t, want == have, sure || !want.Compressed(), "%s, %d bytes", enc.Name, n)
			require.False(t, n >= files.SniffLen && !sure, "%s, %d bytes", enc.Name, n)
		}
	}
}
