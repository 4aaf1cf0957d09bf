package bench

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

// drawChunks makes chunks of lines, and some that are no whole lines, from an offset on.
func drawChunks(t *rapid.T) (chunks []source.Chunk, data []byte, start int64) {
	start = rapid.Int64Range(0, 1000).Draw(t, "start")
	n := rapid.IntRange(1, 6).Draw(t, "chunks")
	for i := range n {
		b := rapid.SliceOfN(rapid.SampledFrom([]byte("ab\n")), 1, 20).Draw(t, "bytes")
		c := source.Chunk{Offset: start + int64(len(data)), Data: b, Kind: source.Lines}
		c.Line = c.Offset
		switch {
		case rapid.Bool().Draw(t, "fragment"):
			c.Kind, c.Data = source.TooLong, bytes.ReplaceAll(b, []byte("\n"), []byte("c"))
		case i < n-1 || rapid.Bool().Draw(t, "ended"):
			b[len(b)-1] = '\n'
		default:
			c.Open = b[len(b)-1] != '\n'
		}
		chunks = append(chunks, c)
		data = append(data, c.Data...)
	}
	return chunks, data, start
}

func TestTape_GivesEveryByteOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunks, data, start := drawChunks(t)
		asked := 0
		tape := newTape(chunks, func() { asked++ })
		tape.limit = rapid.Int64Range(0, 60).Draw(t, "limit")
		var got []byte
		ranges := 0
		for tape.begin() {
			ranges++
			taken, last := readRange(t, tape)
			require.NotEmpty(t, taken)
			require.Equal(t, start+int64(len(got)+len(taken)), tape.Point().Offset)
			require.Equal(t, tape.Point(), tape.Point())
			if rapid.IntRange(0, 3).Draw(t, "again") == 0 {
				tape.Cut(tape.start)
				require.True(t, tape.begin())
				again, _ := readRange(t, tape)
				require.Equal(t, taken, again)
				ranges++
			}
			if i := bytes.IndexByte(last.Data, '\n') + 1; i > 0 && rapid.Bool().Draw(t, "cut") {
				tape.Cut(last.Offset + int64(i))
				taken = taken[:len(taken)-len(last.Data)+i]
			}
			got = append(got, taken...)
		}
		require.Equal(t, data, got)
		require.Equal(t, ranges, asked)
	})
}

// readRange gives the bytes of a range, and its last chunk.
func readRange(t *rapid.T, tape *tape) (taken []byte, last source.Chunk) {
	records := int64(0)
	for {
		c, err := tape.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.Equal(t, tape.start+int64(len(taken)), c.Offset)
		require.Equal(t, c.End(), tape.Point().Offset)
		require.Equal(t, c.Kind == source.Lines && c.Data[len(c.Data)-1] != '\n', c.Open)
		taken = append(taken, c.Data...)
		records++
		if c.Kind == source.Lines {
			records += countLines(c.Data) - 1
		}
		last = c
	}
	if int64(len(taken)) > tape.limit {
		require.Equal(t, int64(1), records, "past the limit only for the first record")
	}
	return taken, last
}
