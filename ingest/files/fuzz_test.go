package files_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// FuzzOpen reads any bytes as a file: it never panics, its errors are *CorruptError, ranges of any
// size give the same bytes, and the chain is of exactly those.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n\nhalf"), 3, int64(5))
	f.Add([]byte(source.BOM+"a\r\r\nb"), 1, int64(0))
	for _, enc := range filestest.Encodings {
		f.Add(enc.Store([]byte("one\ntwo\r\n\nhalf"), 5), 100, int64(1))
	}
	f.Fuzz(func(t *testing.T, stored []byte, maxRecord int, maxBytes int64) {
		maxRecord = 1 + (maxRecord&0x7fffffff)%4096
		file, fsys := openBytes(t, stored)
		defer closeAll(t, file, fsys)
		_, end, errMarks := file.Marks(ctx, nil)
		if end.Offset > 1<<20 {
			t.Skip("a bomb: nothing new, slowly")
		}
		r := newReader(t, file, maxRecord)
		r.SetChunkMax(100)
		got, err := filestest.ReadAll(r, maxBytes)
		whole, errWhole := filestest.ReadAll(newReader(t, file, maxRecord), 0)
		require.Equal(t, whole, got)
		require.Equal(t, errWhole, err)
		require.Equal(t, modelPoint(got, len(got)), r.Point())
		if err == nil {
			require.NoError(t, errMarks)
			require.Equal(t, r.Point(), end)
			if !file.Compressed() {
				require.True(t, bytes.Equal(stored, got))
			}
			return
		}
		var corrupt *files.CorruptError
		require.True(t, errors.As(err, &corrupt), err)
		require.Equal(t, corrupt, errMarks)
		require.Equal(t, end.Offset, corrupt.Offset)
	})
}
