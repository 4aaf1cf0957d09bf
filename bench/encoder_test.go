package bench

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/batch"
	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// newEncoder gives an encoder of app lines, and what sealing data without it gives.
func newEncoder(t *testing.T, data []byte, partitions int) (e *encoder, whole func() *seal.Batch) {
	fsys := filestest.New()
	fsys.Write("/log", data)
	o := options(t, fsys, preset(t, "app"))
	o.MaxPartitions = partitions
	f, err := files.Open(fsys, "/log")
	require.NoError(t, err)
	defer f.Close()
	in, err := (&run{Options: o}).input(f)
	require.NoError(t, err)
	e = &encoder{input: in}
	return e, func() *seal.Batch {
		b, err := seal.Seal(e.input, newTape(window1(data), func() {}), &discard{})
		require.NoError(t, err)
		return b
	}
}

// window1 is data as one chunk.
func window1(data []byte) []source.Chunk {
	return []source.Chunk{{Kind: source.Lines, Data: data}}
}

func objectBytes(b *seal.Batch) (n int64) {
	for _, o := range b.Manifest.Objects {
		n += o.Bytes
	}
	return n
}

func TestEncoder_SealsAWindowOnce(t *testing.T) {
	data := generateApp(100 << 10)
	e, whole := newEncoder(t, data, 64)
	require.NoError(t, e.encode(window1(data)))
	require.Equal(t, objectBytes(whole()), e.out)
	require.Positive(t, e.wall)
	require.Positive(t, e.cost.allocs)
	require.NoError(t, e.encode(window1(data)))
	require.Equal(t, 2*objectBytes(whole()), e.out, "windows add up")
}

func TestEncoder_GoesOnAfterACutForPartitions(t *testing.T) {
	var data []byte
	for _, day := range []string{"15", "16", "17"} {
		data = append(data, "2024-01-"+day+"T00:00:00Z INFO a: b\n"...)
	}
	e, whole := newEncoder(t, data, 1)
	first := whole()
	require.True(t, first.Full)
	require.NoError(t, e.encode(window1(data)))
	require.Greater(t, e.out, 2*objectBytes(first))
}

// A window that costs more than a row group's memory is encoded in part while it is parsed, where
// the meter does not see it.
func TestEncoder_DividesWhatDoesNotFit(t *testing.T) {
	const perReject = 192 // package batch counts it with its bytes
	data := bytes.Repeat([]byte("x\n"), batch.GroupBytes/perReject*5/4)
	e, _ := newEncoder(t, data, 64)
	early := &watchedFiles{}
	b, err := seal.Seal(e.input, newTape(window1(data), func() { early.closed = true }), early)
	require.NoError(t, err)
	require.True(t, early.early, "the test's own window is too small")

	require.NoError(t, e.encode(window1(data)))
	require.Greater(t, e.out, objectBytes(b)+100, "each part has an object of its own")
}

// watchedFiles notices objects that are begun before it is closed.
type watchedFiles struct{ closed, early bool }

func (w *watchedFiles) Create(string) (io.WriteCloser, error) {
	w.early = w.early || !w.closed
	return nowhere{}, nil
}
