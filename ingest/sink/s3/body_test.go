package s3

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/sink/sinktest"
)

// Whatever a body's bytes are and however they are read, it never gives as many as the object has
// unless they are the object's.
func TestBody_NeverGivesAllOfWhatHasChanged(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "want")
		have := bytes.Clone(want)
		switch rapid.SampledFrom([]string{"same", "flip", "cut", "more"}).Draw(rt, "change") {
		case "flip":
			if len(have) > 0 {
				have[rapid.IntRange(0, len(have)-1).Draw(rt, "at")] ^= 1
			}
		case "cut":
			have = have[:rapid.IntRange(0, len(have)).Draw(rt, "to")]
		case "more":
			have = append(have, 'x')
		}
		wrap := rapid.SampledFrom([]func(io.Reader) io.Reader{iotest.OneByteReader,
			iotest.HalfReader, iotest.DataErrReader, func(r io.Reader) io.Reader { return r }}).
			Draw(rt, "reader")
		o := sinktest.Object(key, want)
		o.Open = func() (io.ReadCloser, error) {
			return io.NopCloser(wrap(bytes.NewReader(have))), nil
		}
		b, err := openBody(o)
		require.NoError(rt, err)
		got, err := io.ReadAll(b)
		if bytes.Equal(want, have) {
			require.NoError(rt, err)
			require.True(rt, bytes.Equal(want, got))
			require.NoError(rt, b.failure())
		} else {
			require.ErrorContains(rt, err, "its bytes have changed")
			require.Equal(rt, err, b.failure())
			require.Less(rt, len(got), max(1, len(want)))
		}
		require.NoError(rt, b.Close())
		require.NoError(rt, b.Close())
		_, err = b.Read(make([]byte, 1))
		require.ErrorIs(rt, err, errClosed)
	})
}

func TestBody_TellsItsReadersFault(t *testing.T) {
	broken := errors.New("broken disk")
	o := sinktest.Object(key, []byte("bytes"))
	for _, r := range []io.Reader{iotest.ErrReader(broken),
		io.MultiReader(bytes.NewReader([]byte("bytes")), iotest.ErrReader(broken))} {
		o.Open = func() (io.ReadCloser, error) { return io.NopCloser(r), nil }
		b, err := openBody(o)
		require.NoError(t, err)
		_, err = io.ReadAll(b)
		require.ErrorIs(t, err, broken)
		require.ErrorIs(t, b.failure(), broken)
		require.NoError(t, b.Close())
	}
}
