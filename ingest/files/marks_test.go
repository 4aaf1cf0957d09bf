package files_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// drawLines draws some thousand bytes of lines, so that there are several marks.
func drawLines(t *rapid.T) []byte {
	lengths := rapid.SliceOfN(rapid.IntRange(0, 200), 0, 80).Draw(t, "lengths")
	var b bytes.Buffer
	for i, n := range lengths {
		b.Write(bytes.Repeat([]byte{byte('a' + i%26)}, n))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Nobody may tell from the marks of a range how it was chunked, where the ranges before it ended or
// whether it was gone on with by another Reader.
func TestReader_Marks_AreThoseOfThePrefixes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawLines(t)
		enc := rapid.SampledFrom(filestest.Encodings).Draw(t, "encoding")
		f, fsys := openBytes(t, enc.Store(data, rapid.IntRange(0, len(data)).Draw(t, "split")))
		defer closeAll(t, f, fsys)
		r := newReader(t, f, 1000)
		require.Nil(t, r.Marks())
		var all []source.Mark
		var ends []int64
		for !r.AtEnd() {
			r.SetChunkMax(rapid.IntRange(1, 3000).Draw(t, "chunk max"))
			r.Begin(rapid.Int64Range(0, 3000).Draw(t, "max bytes"), 0)
			start := int(r.Point().Offset)
			require.Nil(t, r.Marks())
			for {
				c, err := r.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				if rapid.Bool().Draw(t, "look") {
					require.Equal(t, modelMarks(data, start, int(c.End())), r.Marks())
				}
				if rapid.IntRange(0, 4).Draw(t, "cut") == 0 && c.Offset > int64(start) {
					r.Cut(c.Offset)
				}
			}
			at := r.Point()
			require.Equal(t, modelMarks(data, start, int(at.Offset)), r.Marks())
			all, ends = append(all, r.Marks()...), append(ends, at.Offset)
			if rapid.IntRange(0, 3).Draw(t, "reopen") == 0 {
				var err error
				r, err = f.Reader(ctx, at, 1000)
				require.NoError(t, err)
				require.Nil(t, r.Marks())
				if at.Offset == int64(len(data)) {
					break
				}
			}
		}
		for _, m := range modelMarks(data, 0, len(data)) {
			if !slices.Contains(ends, m.Offset) {
				require.Contains(t, all, m)
			}
		}
	})
}

func TestFile_ChainTo(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcde\n"), 100)
	for _, enc := range filestest.Encodings {
		t.Run(enc.Name, func(t *testing.T) {
			f, fsys := openBytes(t, enc.Store(data, 700))
			defer closeAll(t, f, fsys)
			for _, off := range []int{0, 64, 65, 1000, len(data), len(data) + 1} {
				c, err := f.ChainTo(ctx, int64(off))
				require.NoError(t, err)
				end := min(off, len(data))
				require.Equal(t, modelPoint(data, end), c.Point())
				require.Equal(t, modelMarks(data, 0, end), c.Marks(0, c.Offset()))
			}
		})
	}
}

// From each Point of a file the Points after it are found, whatever lies between.
func TestFile_PointFrom(t *testing.T) {
	data := []byte(source.BOM + "ab\n\ncd\r\n" + strings.Repeat("x", 150) + "\nhalf")
	for _, enc := range filestest.Encodings {
		t.Run(enc.Name, func(t *testing.T) {
			f, fsys := openBytes(t, enc.Store(data, 5))
			defer closeAll(t, f, fsys)
			for from := 0; from <= len(data); from += 1 + from/3 {
				for off := from; off <= len(data); off += 13 {
					p, err := f.PointFrom(ctx, modelPoint(data, from), int64(off))
					require.NoError(t, err)
					require.Equal(t, modelPoint(data, off), p, "from %d", from)
				}
			}
			other := modelPoint(data, 70)
			other.Chain[0]++
			_, err := f.PointFrom(ctx, other, 80)
			require.ErrorAs(t, err, new(*files.ChangedError))
			_, err = f.PointFrom(ctx, modelPoint(data, 70), int64(len(data)+1))
			require.ErrorAs(t, err, new(*files.ShrunkError))
		})
	}
}
