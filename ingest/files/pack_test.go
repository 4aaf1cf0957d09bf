package files_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
)

func TestPack_UnpackGivesTheBytes(t *testing.T) {
	for _, b := range [][]byte{[]byte("a line\n"), noise(files.PackMax),
		bytes.Repeat([]byte("a line of a log\n"), files.PackMax/16)} {
		packed := files.Pack([]byte("before"), b)
		require.True(t, bytes.HasPrefix(packed, []byte("before")))
		packed = packed[len("before"):]
		have, err := files.Unpack([]byte("overwritten"), packed)
		require.NoError(t, err)
		require.True(t, bytes.Equal(b, have))
		_, err = files.Unpack(nil, packed[:len(packed)-1])
		require.Error(t, err)
	}
}
