package files_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// holed is a file of NULs that ends with a line.
type holed struct{ endless }

const holedLine = "line\n"

func (h holed) Open(string) (files.Handle, error) { return holedHandle{endlessHandle(h)}, nil }

type holedHandle struct{ endlessHandle }

func (h holedHandle) ReadAt(p []byte, off int64) (int, error) {
	n, err := h.endlessHandle.ReadAt(p, off)
	for i := max(0, h.size-int64(len(holedLine))-off); i < int64(n); i++ {
		p[i] = holedLine[off+i-(h.size-int64(len(holedLine)))]
	}
	return n, err
}

// A hole of 200 MiB takes no more memory than any file, and ranges end in it.
func TestReader_Memory_HoleOf200MiB(t *testing.T) {
	const hole = 200 << 20
	f, err := files.Open(holed{endless{0, hole + int64(len(holedLine))}}, "x")
	require.NoError(t, err)
	defer f.Close()
	var lines []source.Chunk
	r, allocated := readCounting(t, f, 1<<20, func(c source.Chunk) {
		require.LessOrEqual(t, len(c.Data), 1<<20)
		if c.Kind != source.Padding {
			require.Equal(t, holedLine, string(c.Data))
			lines = append(lines, c)
		}
	})
	require.Len(t, lines, 1)
	require.Equal(t, source.Lines, lines[0].Kind)
	require.Equal(t, int64(hole), lines[0].Line)
	require.LessOrEqual(t, r.BufferSize(), 1<<20+2)
	require.LessOrEqual(t, allocated, 4<<20)
	require.Equal(t, r.Point().Offset, r.Point().Line)
}

// Padding at the end of a file that may grow is left until something follows it: a writer may have made
// room to fill it later.
func TestReader_Growing_LeavesPadding(t *testing.T) {
	for data, want := range map[string]string{
		"one\n\x00\x00":         "one\n",
		"one\n\x00\x00half":     "one\n\x00\x00",
		"one\n\x00\x00two\n":    "one\n\x00\x00two\n",
		"one\n" + source.BOM:    "one\n",
		"one\n\x00\xef\xbb":     "one\n\x00",
		"\x00\x00":              "",
		"\x00" + source.BOM[:1]: "\x00",
	} {
		f, fsys := openBytes(t, []byte(data))
		f.SetGrowing()
		r := newReader(t, f, 100)
		var got []byte
		for range 2 { // the end may not be known before the first range
			r.Begin(0, 0)
			for {
				c, err := r.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				got = append(got, c.Data...)
			}
		}
		require.Equal(t, want, string(got), "%q", data)
		closeAll(t, f, fsys)
	}
}

// Where the file ends in padding, what is written to it later is a record of its own.
func TestReader_GoesOnAfterPadding(t *testing.T) {
	f, fsys := openBytes(t, []byte("one\n\x00\x00"))
	r := newReader(t, f, 100)
	got, err := filestest.ReadAll(r, 0)
	require.NoError(t, err)
	require.Len(t, got, 6)
	at := r.Point()
	require.Equal(t, at.Offset, at.Line)
	closeAll(t, f, fsys)
	f, fsys = openBytes(t, []byte("one\n\x00\x00\x00two\n"))
	defer closeAll(t, f, fsys)
	r, err = f.Reader(ctx, at, 100)
	require.NoError(t, err)
	r.Begin(0, 0)
	var kinds []source.ChunkKind
	var all [][]byte
	for {
		c, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		kinds, all = append(kinds, c.Kind), append(all, bytes.Clone(c.Data))
	}
	require.Equal(t, []source.ChunkKind{source.Padding, source.Lines}, kinds)
	require.Equal(t, "two\n", string(all[1]))
}
