package filestest_test

import (
	"bytes"
	"compress/bzip2"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
)

func TestBzip2_IsRead(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for _, parts := range [][][]byte{
		{nil}, {[]byte("a")}, {[]byte("one\n"), nil, []byte("two\nhalf")},
		{bytes.Repeat([]byte("0123456789abcde\n"), 1<<15)}, {make([]byte, 1<<20)}, {noise}, {noise[:7]},
	} {
		got, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(filestest.Bzip2(parts...))))
		require.NoError(t, err)
		require.True(t, bytes.Equal(slices.Concat(parts...), got))
	}
}
