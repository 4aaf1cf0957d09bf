package files_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// next gives the next chunk's text.
func next(t *testing.T, r *files.Reader) string {
	t.Helper()
	c, err := r.Next()
	require.NoError(t, err)
	return string(c.Data)
}

func TestReader_HalfLine(t *testing.T) {
	for name, c := range map[string]struct {
		change func(fsys *filestest.FS)
		left   bool
	}{
		"unchanged":  {func(*filestest.FS) {}, false},
		"grown":      {func(m *filestest.FS) { m.Append("app.log", []byte(" line\nmore\n")) }, true},
		"written to": {func(m *filestest.FS) { m.Overwrite("app.log", m.Bytes("app.log")) }, true},
		"renamed":    {func(m *filestest.FS) { m.Rename("app.log", "app.log.1") }, false},
		"removed":    {func(m *filestest.FS) { m.Remove("app.log") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, fsys := openBytes(t, []byte("one\nhalf"))
			defer closeAll(t, f, fsys)
			r := newReader(t, f, 100)
			r.Begin(0, 0)
			require.Equal(t, "one\n", next(t, r))
			c.change(fsys)
			chunk, err := r.Next()
			if c.left {
				require.Equal(t, io.EOF, err)
				require.Equal(t, int64(4), r.Point().Offset)
			} else {
				require.NoError(t, err)
				require.Equal(t, "half", string(chunk.Data))
				require.True(t, chunk.Open)
				_, err = r.Next()
				require.Equal(t, io.EOF, err)
			}
			require.Equal(t, c.left, r.LeftHalf())
			require.True(t, r.AtEnd(), "nothing more is given either way")
		})
	}
}

func TestReader_HalfLine_AfterABOM(t *testing.T) {
	for _, data := range []string{source.BOM, source.BOM + "half"} {
		f, fsys := openBytes(t, []byte(data))
		fsys.Append("app.log", []byte(" line\n"))
		r := newReader(t, f, 100)
		r.Begin(0, 0)
		_, err := r.Next()
		require.Equal(t, io.EOF, err, "no range of a BOM alone")
		require.Equal(t, source.Origin(), r.Point())
		require.True(t, r.LeftHalf())
		closeAll(t, f, fsys)
	}
	// Once the BOM was given, the half line comes too.
	f, fsys := openBytes(t, []byte(source.BOM+"half"))
	defer closeAll(t, f, fsys)
	r := newReader(t, f, 100)
	r.Begin(0, 0)
	require.Equal(t, source.BOM, next(t, r))
	fsys.Append("app.log", []byte(" line\n"))
	require.Equal(t, "half", next(t, r))
}

func TestReader_HalfLine_LongOne(t *testing.T) {
	f, fsys := openBytes(t, []byte("0123456789"))
	fsys.Append("app.log", []byte("!\n"))
	defer closeAll(t, f, fsys)
	r := newReader(t, f, 4)
	got, err := filestest.ReadAll(r, 1)
	require.NoError(t, err)
	require.Equal(t, "01234567", string(got), "fragments are certain, the last is not")
	require.True(t, r.LeftHalf())
}

// What was left is given, and only that, when the file is read again.
func TestReader_HalfLine_GoesOnLater(t *testing.T) {
	f, fsys := openBytes(t, []byte("one\nhalf"))
	fsys.Append("app.log", []byte(" line\nlast\n"))
	r := newReader(t, f, 100)
	got, err := filestest.ReadAll(r, 0)
	require.NoError(t, err)
	require.Equal(t, "one\n", string(got))
	at := r.Point()
	require.NoError(t, f.Close())

	f, err = files.Open(fsys, "app.log")
	require.NoError(t, err)
	defer closeAll(t, f, fsys)
	r, err = f.Reader(ctx, at, 100)
	require.NoError(t, err)
	got, err = filestest.ReadAll(r, 0)
	require.NoError(t, err)
	require.Equal(t, "half line\nlast\n", string(got))
}

func TestReader_AFileThatShrinks(t *testing.T) {
	data := []byte(strings.Repeat("line after line\n", 1<<18))
	for _, enc := range filestest.Encodings {
		t.Run(enc.Name, func(t *testing.T) {
			stored := enc.Store(data, 1<<20)
			f, fsys := openBytes(t, stored)
			defer closeAll(t, f, fsys)
			reads, shorter := 0, int64(len(stored)/2)
			fsys.SetFault(func(op filestest.Op, _ string, off int64) error {
				if reads++; op == filestest.OpRead && off+rawRead >= shorter {
					fsys.SetFault(nil)
					fsys.Truncate("app.log", int(shorter))
				}
				return nil
			})
			got, err := filestest.ReadAll(newReader(t, f, 100), 0)
			var shrunk *files.ShrunkError
			require.ErrorAs(t, err, &shrunk)
			require.Equal(t, int64(len(stored)), shrunk.Want)
			require.Equal(t, shorter, shrunk.Have)
			require.True(t, bytes.HasPrefix(data, got))
			_, _, err = f.Marks(ctx, nil)
			require.ErrorAs(t, err, &shrunk)
		})
	}
}

// rawRead is more than a file is read at once.
const rawRead = 2 << 20

// Whatever read fails, the error comes through, it is no end and no corruption; and a new Reader
// goes on where the last range ended.
func TestReader_FailingReads(t *testing.T) {
	data := []byte(source.BOM + strings.Repeat("line after line\n", 1<<14) + "half")
	bad := errors.New("bad disk")
	for _, enc := range filestest.Encodings {
		t.Run(enc.Name, func(t *testing.T) {
			stored := enc.Store(data, 1<<10)
			for k, failed := 0, true; failed; k++ {
				f, fsys := openBytes(t, stored)
				calls := 0
				failed = false
				fsys.SetFault(func(op filestest.Op, _ string, _ int64) error {
					if calls++; calls == k+1 {
						failed = true
						return bad
					}
					return nil
				})
				r, err := f.Reader(ctx, source.Origin(), 100)
				require.NoError(t, err)
				r.SetChunkMax(1 << 12)
				got, err := filestest.ReadAll(r, 1<<15)
				if failed {
					require.ErrorIs(t, err, bad)
					var corrupt *files.CorruptError
					require.False(t, errors.As(err, &corrupt))
					require.False(t, r.AtEnd())
				} else {
					require.NoError(t, err)
					require.Equal(t, string(data), string(got))
					require.Greater(t, k, 1)
				}
				fsys.SetFault(nil)
				closeAll(t, f, fsys)
			}
		})
	}
}

func TestReader_Cut_OutsideTheLastChunk_Panics(t *testing.T) {
	f, fsys := openBytes(t, []byte("one\ntwo\n"))
	defer closeAll(t, f, fsys)
	r := newReader(t, f, 100)
	r.Begin(0, 0)
	require.Equal(t, "one\ntwo\n", next(t, r))
	require.Panics(t, func() { r.Cut(9) })
	require.Panics(t, func() { r.Cut(-1) })
	require.Panics(t, func() { r.Cut(3) }, "no record ends there")
	r.Cut(4)
	require.Equal(t, modelPoint([]byte("one\n"), 4), r.Point())
	require.False(t, r.AtEnd())
	r.Begin(0, 0)
	require.Equal(t, "two\n", next(t, r))
}
