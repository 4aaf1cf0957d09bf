package files_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// gz compresses each part as a member of its own.
func gz(t require.TestingT, parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		_, err := w.Write(p)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	return b.Bytes()
}

// zst compresses each part as a frame of its own, a skippable frame before each.
func zst(t require.TestingT, parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString("\x5a\x2a\x4d\x18\x03\x00\x00\x00abc")
		w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
		require.NoError(t, err)
		_, err = w.Write(p)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	return b.Bytes()
}

// encodings stores one content in every way that a file may.
var encodings = []struct {
	name  string
	store func(t require.TestingT, data []byte, split int) []byte
}{
	{"plain", func(_ require.TestingT, data []byte, _ int) []byte { return data }},
	{"gzip", func(t require.TestingT, data []byte, _ int) []byte { return gz(t, data) }},
	{"gzip members", func(t require.TestingT, data []byte, split int) []byte {
		return append(gz(t, data[:split], nil, data[split:]), 0, 0, 0)
	}},
	{"zstd frames", func(t require.TestingT, data []byte, split int) []byte {
		return zst(t, data[:split], nil, data[split:])
	}},
	{"bzip2 streams", func(t require.TestingT, data []byte, split int) []byte {
		return filestest.Bzip2(data[:split], nil, data[split:])
	}},
	{"zstd", func(t require.TestingT, data []byte, _ int) []byte {
		return zst(t, data)[len("\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"):]
	}},
}

// tester is what testing.TB and *rapid.T have in common here.
type tester interface {
	require.TestingT
	Helper()
}

// openBytes opens a file that holds data.
func openBytes(t tester, data []byte) (*files.File, *filestest.FS) {
	t.Helper()
	fsys := filestest.New()
	fsys.Write("app.log", data)
	f, err := files.Open(fsys, "app.log")
	require.NoError(t, err)
	return f, fsys
}

// newReader opens a Reader at the start.
func newReader(t tester, f *files.File, maxRecord int) *files.Reader {
	t.Helper()
	r, err := f.Reader(ctx, source.Origin(), maxRecord)
	require.NoError(t, err)
	return r
}

// readAll takes a file in ranges of at most maxBytes until it ends or fails.
func readAll(r *files.Reader, maxBytes int64) (data []byte, err error) {
	for !r.AtEnd() {
		r.Begin(maxBytes, 0)
		for {
			c, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return data, err
			}
			data = append(data, c.Data...)
		}
	}
	return data, nil
}

// close closes f and checks that nothing stays open.
func closeAll(t tester, f *files.File, fsys *filestest.FS) {
	t.Helper()
	require.NoError(t, f.Close())
	require.Equal(t, 0, fsys.OpenHandles())
}

var _ tester = (testing.TB)(nil)
