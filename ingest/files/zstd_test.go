package files_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

// zstdFrame compresses with a window of so many bytes, which the frame's header says.
func zstdFrame(t testing.TB, data []byte, window int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	require.NoError(t, err)
	for len(data) > 0 { // in pieces, so that the size is not known when the header is written
		n := min(len(data), 100<<10)
		_, err = w.Write(data[:n])
		require.NoError(t, err)
		data = data[n:]
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// longLines are lines that no two are alike, with a repetition far back.
func longLines(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%d %x\n", i, r.Uint64())
	}
	b.Write(b.Bytes()[:b.Len()/2])
	return b.Bytes()
}

func openZstd(t testing.TB, body []byte) *files.File {
	t.Helper()
	fsys := filestest.New()
	fsys.Write("a.zst", body)
	f, err := files.Open(fsys, "a.zst")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

const largeWindow = 64 << 20

// Frames with a small window and with a large one, in any order.
func TestZstd_LargeWindow(t *testing.T) {
	data := longLines(1, 40_000)
	third := len(data) / 3
	for name, windows := range map[string][3]int{
		"large": {largeWindow, largeWindow, largeWindow}, "first": {largeWindow, 1 << 20, 1 << 20},
		"middle": {1 << 20, largeWindow, 1 << 20}, "last": {1 << 20, 1 << 20, largeWindow},
	} {
		t.Run(name, func(t *testing.T) {
			body := zstdFrame(t, data[:third], windows[0])
			body = append(body, zstdFrame(t, data[third:2*third], windows[1])...)
			body = append(body, zstdFrame(t, data[2*third:], windows[2])...)
			f := openZstd(t, body)
			_, end, err := f.Marks(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, int64(len(data)), end.Offset)
			plain := filestest.New()
			plain.Write("a", data)
			other, err := files.Open(plain, "a")
			require.NoError(t, err)
			defer other.Close()
			like, err := files.Compare(t.Context(), f, other, 0)
			require.NoError(t, err)
			require.Equal(t, files.Agreement{Until: int64(len(data))}, like)
			require.Zero(t, files.LargeDecoders())
		})
	}
}

// Many files with a large window at once, by goroutines that read one after the other, and by one that reads
// two in turn: each gives its bytes, and none waits for ever.
func TestZstd_LargeWindowsAtOnce(t *testing.T) {
	files.ImpatientZstd(t)
	data := longLines(2, 30_000)
	body := zstdFrame(t, data, largeWindow)
	var wait sync.WaitGroup
	for range 4 {
		f, g := openZstd(t, body), openZstd(t, body)
		wait.Go(func() {
			x, y := f.Raw(), g.Raw()
			defer x.Close()
			defer y.Close()
			var a, b bytes.Buffer
			for range 4 { // in turn
				_, errA := io.CopyN(&a, x, int64(len(data)/5))
				_, errB := io.CopyN(&b, y, int64(len(data)/5))
				if errA != nil || errB != nil {
					t.Error(errA, errB)
					return
				}
			}
			io.Copy(&a, x)
			io.Copy(&b, y)
			if !bytes.Equal(a.Bytes(), data) || !bytes.Equal(b.Bytes(), data) {
				t.Error("it gave other bytes")
			}
		})
	}
	wait.Wait()
	require.Zero(t, files.LargeDecoders())
}

func TestCompare_BothWithALargeWindow(t *testing.T) {
	data := longLines(3, 60_000)
	changed := bytes.Clone(data)
	at := len(data) * 2 / 3
	changed[at]++
	short := data[:len(data)/2+12345]
	for name, c := range map[string]struct {
		a, b []byte
		want files.Agreement
	}{
		"same":           {data, data, files.Agreement{Until: int64(len(data))}},
		"differ":         {data, changed, files.Agreement{Differ: true, Until: int64(at)}},
		"longer":         {data, short, files.Agreement{Until: int64(len(short)), Longer: true}},
		"behind":         {short, data, files.Agreement{Until: int64(len(short)), Behind: true}},
		"at a block end": {data, data[:1<<20], files.Agreement{Until: 1 << 20, Longer: true}},
	} {
		for _, from := range []int64{0, 1000, 1 << 18} {
			t.Run(fmt.Sprintf("%s from %d", name, from), func(t *testing.T) {
				a, b := openZstd(t, zstdFrame(t, c.a, largeWindow)), openZstd(t, zstdFrame(t, c.b, largeWindow))
				like, err := files.Compare(t.Context(), a, b, from)
				require.NoError(t, err)
				require.Equal(t, c.want, like)
			})
		}
	}
}
