package files_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

func TestReader_Growing_LeavesTheHalfLine(t *testing.T) {
	for data, want := range map[string]string{
		"":                      "",
		"one\n":                 "one\n",
		"one\nhalf":             "one\n",
		"one\r":                 "",
		source.BOM:              "",
		source.BOM + "half":     "",
		source.BOM + "one\nhal": source.BOM + "one\n",
		"0123456789":            "01234567", // fragments are certain
	} {
		f, fsys := openBytes(t, []byte(data))
		f.SetGrowing()
		r := newReader(t, f, 4)
		got, err := filestest.ReadAll(r, 0)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		require.Equal(t, len(want) < len(data), r.LeftHalf(), data)
		require.True(t, r.AtEnd())
		closeAll(t, f, fsys)
	}
}

func TestReader_Growing_AfterTheBOMWasGiven(t *testing.T) {
	f, fsys := openBytes(t, []byte(source.BOM+"half"))
	defer closeAll(t, f, fsys)
	f.SetGrowing()
	r := newReader(t, f, 100)
	r.Begin(0, int64(len(source.BOM))) // whoever was here before ended after the BOM
	require.Equal(t, source.BOM, next(t, r))
	_, err := r.Next()
	require.Equal(t, io.EOF, err)
	require.True(t, r.AtEnd())
	require.True(t, r.LeftHalf())
}

func TestFile_Head_Growing(t *testing.T) {
	for data, want := range map[string]string{
		"":             "",
		"half":         "",
		"# c\n\nhalf":  "",
		"one\nhalf":    "one\n",
		"# c\none\nxx": "one\n",
	} {
		f, fsys := openBytes(t, []byte(data))
		f.SetGrowing()
		head, ok, err := f.Head(true)
		require.NoError(t, err)
		require.Equal(t, want != "", ok, data)
		require.Equal(t, want, string(head))
		closeAll(t, f, fsys)
	}
}

// What a growing file gives is what the file gives once it is longer, whatever is appended.
func TestReader_Growing_GivesABeginningOfWhatComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.SampledFrom([]byte("ab\r\n\xef\xbb\xbf")), 0, 60).
			Draw(t, "data")
		n := rapid.IntRange(0, len(data)).Draw(t, "n")
		maxRecord := rapid.IntRange(1, 9).Draw(t, "maxRecord")
		maxBytes := rapid.Int64Range(0, 20).Draw(t, "maxBytes")

		f, fsys := openBytes(t, data[:n])
		f.SetGrowing()
		var records []record
		r := newReader(t, f, maxRecord)
		for !r.AtEnd() {
			r.Begin(maxBytes, 0)
			for {
				c, err := r.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				require.False(t, c.Open)
				if c.Kind != source.Lines {
					records = append(records, record{start: int(c.Offset),
						end: int(c.Offset) + len(c.Data), line: int(c.Line), kind: c.Kind})
				}
				require.True(t, bytes.Equal(c.Data, data[c.Offset:][:len(c.Data)]))
			}
		}
		end := r.Point().Offset
		closeAll(t, f, fsys)

		var want []record
		certain := 0
		for _, m := range modelRecords(data, 0, 0, maxRecord) {
			if m.end > int(end) {
				break
			}
			certain = m.end
			if m.kind != source.Lines {
				want = append(want, m)
			}
		}
		require.Equal(t, int(end), certain, "it ends where a record of the longer file ends")
		require.Equal(t, want, records)
	})
}
