package files_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// testPart takes lines that begin with the stream, o or e, and P or F for parts.
func testPart(line []byte) (stream int, last bool) {
	s := string(line[:min(2, len(line))])
	switch s {
	case "oP", "oF", "eP", "eF":
		return strings.IndexByte("oe", s[0]), s[1] == 'F'
	}
	return -1, false
}

// group is what the model says a piece of a file of records of several lines is.
type group struct {
	record
	over          bool
	before, after source.Carry
}

// modelGroups lists the groups of a whole file from a place in it, as the design's words say it.
func modelGroups(data []byte, off, line int, carry source.Carry, maxRecord int) []group {
	lines := modelRecords(data, off, line, maxRecord)
	var out []group
	for len(lines) > 0 {
		g := group{record: lines[0], before: carry, after: carry}
		if g.kind != source.Lines {
			out, lines = append(out, g), lines[1:]
			continue
		}
		open := map[int]int{}
		for n := 0; ; {
			if len(lines) == 0 {
				g.open = true
				break
			}
			l, k := lines[0], 1
			start := l.start
			for l.kind == source.Padding && k < len(lines) { // it is counted with the line after it
				l, k = lines[k], k+1
			}
			content := len(source.TrimLineEnd(data[start:l.end]))
			if n > 0 && (start-g.start >= maxRecord || start+content-g.start > maxRecord ||
				l.kind != source.Lines && l.kind != source.Padding || n == files.GroupLines) {
				g.over = true
				break
			}
			l.open = l.open || l.kind == source.Padding
			stream, last := testPart(bytes.TrimSuffix(data[l.start:l.end], []byte("\n")))
			switch {
			case stream < 0:
			case carry[stream] != source.Rest{}:
				if last {
					carry[stream] = source.Rest{}
				}
			case last:
				delete(open, stream)
			default:
				if _, ok := open[stream]; !ok {
					open[stream] = l.start
				}
			}
			lines, n = lines[k:], n+1
			g.end, g.open = l.end, l.open
			if len(open) == 0 || l.open {
				break
			}
		}
		for stream, at := range open {
			kind := source.Continued
			if g.over {
				kind = source.TooLong
			}
			carry[stream] = source.Rest{Kind: kind, Of: int64(at)}
		}
		g.after = carry
		out = append(out, g)
	}
	return out
}

// modelGroupRange is modelRange of groups.
func modelGroupRange(data []byte, at source.Point, maxRecord, maxBytes, barrier int) []group {
	off := int(at.Offset)
	groups := modelGroups(data, off, int(at.Line), at.Carry, maxRecord)
	for i, g := range groups {
		if barrier > off && g.end > barrier {
			from := g.line
			if g.kind == source.ByteOrderMark {
				from = 0
			}
			groups = append(groups[:i:i],
				modelGroups(data[:barrier], g.start, from, g.before, maxRecord)...)
			break
		}
	}
	n := 0
	for i, g := range groups {
		alone := g.kind == source.ByteOrderMark && i+1 < len(groups)
		if !alone && (n == 0 || maxBytes == 0 || g.end <= off+maxBytes) {
			n = i + 1
		}
	}
	return groups[:n]
}

func drawParts(t *rapid.T) []byte {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{
		"oP\n", "oPab\n", "oF\n", "oFabc\r\n", "eP\n", "ePa\r\n", "eF\n", "eFab\n", "\n", "x\n", "y",
		"oP" + strings.Repeat("z", 20) + "\n", "oP", "eF", source.BOM, "\x00", "\x00\x00\x00",
	}), 0, 40).Draw(t, "lines")
	return readable([]byte(strings.Join(lines, "")))
}

// readGroups takes one range, checks its chunks against the model and says where it ended.
func readGroups(t *rapid.T, r *files.Reader, want []group, chunkMax int) {
	for {
		at := r.Point().Offset
		c, err := r.Next()
		if err == io.EOF {
			require.Empty(t, want, "the range ended early")
			return
		}
		require.NoError(t, err)
		require.Equal(t, at, c.Offset)
		require.NotEmpty(t, want, "the range goes on too long")
		require.Equal(t, want[0].line, int(c.Line))
		require.Equal(t, want[0].before, c.Carry)
		n := 0
		for n < len(want) && want[n].end <= int(c.End()) {
			require.Equal(t, want[n].kind, c.Kind)
			n++
		}
		require.NotZero(t, n, "chunk ends within a group")
		require.Equal(t, want[n-1].end, int(c.End()))
		require.Equal(t, want[n-1].open, c.Open)
		require.Equal(t, want[n-1].over, c.Over)
		require.Equal(t, want[n-1].after, r.Point().Carry)
		if n > 1 && c.Kind != source.Padding {
			require.False(t, c.Open || c.Over)
			require.LessOrEqual(t, len(c.Data), chunkMax)
		}
		if rapid.IntRange(0, 9).Draw(t, "cut") == 0 {
			i := rapid.IntRange(0, n).Draw(t, "cut after")
			cut, carry := c.Offset, want[0].before
			if i > 0 {
				cut, carry = int64(want[i-1].end), want[i-1].after
			}
			r.Cut(cut)
			require.Equal(t, cut, r.Point().Offset)
			require.Equal(t, carry, r.Point().Carry)
			return
		}
		want = want[n:]
	}
}

func TestReader_OfSeveralLines_EqualsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawParts(t)
		maxRecord := rapid.IntRange(1, 30).Draw(t, "max record")
		chunkMax := rapid.IntRange(1, 60).Draw(t, "chunk max")
		enc := rapid.SampledFrom(filestest.Encodings).Draw(t, "encoding")
		f, fsys := openBytes(t, enc.Store(data, rapid.IntRange(0, len(data)).Draw(t, "split")))
		defer closeAll(t, f, fsys)

		at := source.Origin()
		r, err := f.ReaderOf(ctx, at, maxRecord, testPart)
		require.NoError(t, err)
		r.SetChunkMax(chunkMax)
		for at.Offset < int64(len(data)) {
			maxBytes := rapid.IntRange(0, 60).Draw(t, "max bytes")
			barrier := 0
			if rapid.Bool().Draw(t, "with a barrier") {
				barrier = rapid.IntRange(1, len(data)+1).Draw(t, "barrier")
			}
			r.Begin(int64(maxBytes), int64(barrier))
			readGroups(t, r, modelGroupRange(data, at, maxRecord, maxBytes, barrier), chunkMax)
			require.Equal(t, modelMarks(data, int(at.Offset), int(r.Point().Offset)), r.Marks())
			at = r.Point()
			want := modelPoint(data, int(at.Offset))
			want.Carry = at.Carry
			require.Equal(t, want, at)
			if rapid.Bool().Draw(t, "look ahead") {
				require.Equal(t, at.Offset == int64(len(data)), r.AtEnd())
			}
			if rapid.IntRange(0, 3).Draw(t, "reopen") == 0 {
				r, err = f.ReaderOf(ctx, at, maxRecord, testPart)
				require.NoError(t, err)
				r.SetChunkMax(chunkMax)
			}
		}
		require.True(t, r.AtEnd())
		require.False(t, r.LeftHalf())
	})
}

// What a growing file gives is what the file gives once it is longer; what it leaves is told.
func TestReader_OfSeveralLines_Growing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawParts(t)
		n := rapid.IntRange(0, len(data)).Draw(t, "n")
		maxRecord := rapid.IntRange(1, 30).Draw(t, "max record")
		groups := modelGroups(data, 0, 0, source.Carry{}, maxRecord)

		f, fsys := openBytes(t, data[:n])
		defer closeAll(t, f, fsys)
		f.SetGrowing()
		r, err := f.ReaderOf(ctx, source.Origin(), maxRecord, testPart)
		require.NoError(t, err)
		for !r.AtEnd() {
			r.Begin(1, 0)
			for {
				c, err := r.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				require.False(t, c.Open)
				for len(groups) > 0 && groups[0].start < int(c.End()) {
					require.Equal(t, groups[0].kind, c.Kind)
					require.LessOrEqual(t, groups[0].end, int(c.End()))
					require.Equal(t, groups[0].over, c.Over)
					groups = groups[1:]
				}
			}
		}
		left := data[r.Point().Offset:n]
		require.Equal(t, len(left) > 0, r.LeftHalf())
		end, ok := r.LeftRecord()
		require.Equal(t, bytes.IndexByte(left, '\n') >= 0, ok)
		if ok {
			require.Equal(t, int64(bytes.LastIndexByte(data[:n], '\n')+1), end)
		}
	})
}

func TestReader_OfSeveralLines_ThatNeverEnd(t *testing.T) {
	line := "oP" + strings.Repeat("x", 97) + "\n"
	data := []byte(strings.Repeat(line, 5000))
	f, fsys := openBytes(t, data)
	defer closeAll(t, f, fsys)
	r, err := f.ReaderOf(ctx, source.Origin(), 1000, testPart)
	require.NoError(t, err)
	r.Begin(0, 0)
	c, err := r.Next()
	require.NoError(t, err)
	require.True(t, c.Over)
	require.Equal(t, 1000, len(c.Data))
	for total := len(c.Data); total < len(data); total += len(c.Data) {
		c, err = r.Next()
		require.NoError(t, err)
		require.False(t, c.Over)
		require.Equal(t, source.Carry{{Kind: source.TooLong}}, c.Carry)
	}
	require.LessOrEqual(t, r.BufferSize(), 1<<20)

	short, fsys2 := openBytes(t, []byte(strings.Repeat("oP\n", 3*files.GroupLines)))
	defer closeAll(t, short, fsys2)
	r, err = short.ReaderOf(ctx, source.Origin(), 1<<20, testPart)
	require.NoError(t, err)
	r.Begin(0, 0)
	c, err = r.Next()
	require.NoError(t, err)
	require.True(t, c.Over)
	require.Equal(t, 3*files.GroupLines, len(c.Data))
}
