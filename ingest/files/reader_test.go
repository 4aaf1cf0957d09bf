package files_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// drawLog draws bytes in which every rule has something to do.
func drawLog(t *rapid.T) []byte {
	tokens := rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "bc", "defgh", "\n", "\n", "\r", "\r\n", source.BOM, source.BOM[:1], source.BOM[1:],
		"\x00", "\x00\x00\x00\x00\x00\x00\x00", "\n\x00", "\n" + source.BOM,
	}), 0, 60).Draw(t, "tokens")
	head := rapid.SampledFrom([]string{"", "", source.BOM, source.BOM[:2]}).Draw(t, "head")
	return readable([]byte(head + strings.Join(tokens, "")))
}

// readable gives data that is not taken for UTF-16 or UTF-32: it begins with some NULs if need be.
func readable(data []byte) []byte {
	fsys := filestest.New()
	fsys.Write("app.log", data)
	if f, err := files.Open(fsys, "app.log"); err == nil {
		f.Close()
		return data
	}
	return append(make([]byte, 7), data...)
}

// readRange takes one range, checks its chunks against the model and says where it ended. Now and
// then it cuts the range at a record end of the last chunk.
func readRange(t *rapid.T, r *files.Reader, want []record, chunkMax int) int {
	start := int(r.Point().Offset)
	end := start
	for {
		c, err := r.Next()
		if err == io.EOF {
			require.Empty(t, want, "the range ended early")
			return end
		}
		require.NoError(t, err)
		require.NotEmpty(t, c.Data)
		require.Equal(t, end, int(c.Offset))
		require.NotEmpty(t, want, "the range goes on too long")
		require.Equal(t, want[0].line, int(c.Line))
		n := 0
		for n < len(want) && want[n].end <= int(c.End()) {
			require.Equal(t, want[n].kind, c.Kind)
			n++
		}
		require.NotZero(t, n, "chunk ends within a record")
		require.Equal(t, want[n-1].end, int(c.End()))
		require.Equal(t, want[n-1].open, c.Open)
		if n > 1 {
			require.Contains(t, []source.ChunkKind{source.Lines, source.Padding}, c.Kind)
			require.LessOrEqual(t, len(c.Data), max(chunkMax, len(source.BOM)))
		}
		if rapid.IntRange(0, 9).Draw(t, "ask for the point") == 0 {
			require.Equal(t, c.End(), r.Point().Offset)
			r.Marks()
		}
		if rapid.IntRange(0, 9).Draw(t, "cut") == 0 {
			i := rapid.IntRange(0, n).Draw(t, "cut after")
			cut := int(c.Offset)
			if i > 0 {
				cut = want[i-1].end
			}
			r.Cut(int64(cut))
			_, err := r.Next()
			require.Equal(t, io.EOF, err)
			return cut
		}
		want = want[n:]
		end = int(c.End())
	}
}

func TestReader_EqualsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawLog(t)
		maxRecord := rapid.IntRange(1, 12).Draw(t, "max record")
		chunkMax := rapid.IntRange(1, 40).Draw(t, "chunk max")
		enc := rapid.SampledFrom(filestest.Encodings).Draw(t, "encoding")
		split := rapid.IntRange(0, len(data)).Draw(t, "split")
		f, fsys := openBytes(t, enc.Store(data, split))
		defer closeAll(t, f, fsys)

		r := newReader(t, f, maxRecord)
		r.SetChunkMax(chunkMax)
		require.Equal(t, len(data) == 0, r.AtEnd())
		var got []byte
		for pos, line := 0, 0; pos < len(data); {
			maxBytes := rapid.IntRange(0, 40).Draw(t, "max bytes")
			barrier := 0
			if rapid.Bool().Draw(t, "with a barrier") {
				barrier = rapid.IntRange(1, len(data)+1).Draw(t, "barrier")
			}
			r.Begin(int64(maxBytes), int64(barrier))
			end := readRange(t, r,
				modelRange(data, pos, line, maxRecord, maxBytes, barrier), chunkMax)
			got = append(got, data[pos:end]...)
			require.Equal(t, modelPoint(data, end), r.Point())
			require.Equal(t, modelMarks(data, pos, end), r.Marks())
			if rapid.Bool().Draw(t, "look ahead") {
				require.Equal(t, end == len(data), r.AtEnd())
			}
			if rapid.IntRange(0, 3).Draw(t, "reopen") == 0 {
				var err error
				r, err = f.Reader(ctx, r.Point(), maxRecord)
				require.NoError(t, err)
				r.SetChunkMax(chunkMax)
			}
			pos, line = end, int(r.Point().Line)
		}
		require.Equal(t, string(data), string(got))
		require.True(t, r.AtEnd())
		require.False(t, r.LeftHalf())
		r.Begin(0, 0)
		_, err := r.Next()
		require.Equal(t, io.EOF, err)
	})
}
