package files_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
)

// takeAll lists the chunks of a file from a Point to its end, one record a chunk.
func takeAll(t *testing.T, stored []byte, at source.Point, maxRecord int) ([]string, source.Point) {
	t.Helper()
	f, fsys := openBytes(t, stored)
	defer closeAll(t, f, fsys)
	r, err := f.Reader(ctx, at, maxRecord)
	require.NoError(t, err)
	var got []string
	for !r.AtEnd() {
		r.Begin(1, 0)
		for {
			c, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			kind := [...]string{"line", "BOM", "long", "rest", "padding"}[c.Kind]
			if c.Open {
				kind += " open"
			}
			got = append(got, fmt.Sprintf("%s %d of %d: %q", kind, c.Offset, c.Line, c.Data))
		}
	}
	return got, r.Point()
}

// A file is read to its end, grows and is read on: half lines are never rows in silence.
func TestReader_AFileThatGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string
		first, then   []string
	}{
		"a whole line": {"abc\n", "d\n",
			[]string{`line 0 of 0: "abc\n"`}, []string{`line 4 of 4: "d\n"`}},
		"a half line": {"ab", "c\nd\n",
			[]string{`line open 0 of 0: "ab"`}, []string{`rest 2 of 0: "c\n"`, `line 4 of 4: "d\n"`}},
		"a half line that only ends": {"abcd", "\n",
			[]string{`line open 0 of 0: "abcd"`}, []string{`rest 4 of 0: "\n"`}},
		"a half line twice": {"ab", "c",
			[]string{`line open 0 of 0: "ab"`}, []string{`rest open 2 of 0: "c"`}},
		"a half line that is long": {"ab", "cdefghij\r\n",
			[]string{`line open 0 of 0: "ab"`},
			[]string{`long 2 of 0: "cd"`, `long 4 of 0: "efgh"`, `long 8 of 0: "ij\r\n"`}},
		"a long line": {"abcdef", "gh\n",
			[]string{`long 0 of 0: "abcd"`, `long open 4 of 0: "ef"`}, []string{`long 6 of 0: "gh\n"`}},
		"a long line at its cut": {"abcdefgh", "\n",
			[]string{`long 0 of 0: "abcd"`, `long open 4 of 0: "efgh"`}, []string{`long 8 of 0: "\n"`}},
		"a CR that was content and is a line end": {"abcd\r", "\n",
			[]string{`long 0 of 0: "abcd"`, `long open 4 of 0: "\r"`}, []string{`rest 5 of 0: "\n"`}},
		"a CR that stays content": {"abcd\r", "\r\n",
			[]string{`long 0 of 0: "abcd"`, `long open 4 of 0: "\r"`}, []string{`long 5 of 0: "\r\n"`}},
		"a CRLF cut in two": {"abc\r", "\n\r\n",
			[]string{`line open 0 of 0: "abc\r"`}, []string{`rest 4 of 0: "\n"`, `line 5 of 5: "\r\n"`}},
		"a BOM alone": {source.BOM, "a\n",
			[]string{`BOM 0 of 0: "\ufeff"`}, []string{`line 3 of 3: "a\n"`}},
		"a BOM cut in two": {"\xef\xbb", "\xbfa\n",
			[]string{`line open 0 of 0: "\xef\xbb"`}, []string{`BOM 2 of 2: "\xbf"`, `line 3 of 3: "a\n"`}},
		"no BOM after all": {"\xef\xbb", "a\n",
			[]string{`line open 0 of 0: "\xef\xbb"`}, []string{`rest 2 of 0: "a\n"`}},
	} {
		for _, enc := range filestest.Encodings {
			t.Run(name+"/"+enc.Name, func(t *testing.T) {
				whole := []byte(c.before + c.after)
				got, at := takeAll(t, enc.Store([]byte(c.before), 1), source.Origin(), 4)
				require.Equal(t, c.first, got)
				require.Equal(t, modelPoint(whole, len(c.before)), at)
				got, at = takeAll(t, enc.Store(whole, 1), at, 4)
				require.Equal(t, c.then, got)
				require.Equal(t, modelPoint(whole, len(whole)), at)
			})
		}
	}
}

// A Point at a block boundary has no tail to compare; the byte before it still tells a CR.
func TestReader_ResumesAfterACR_AtABlockBoundary(t *testing.T) {
	data := make([]byte, 2*source.BlockSize)
	for i := range data {
		data[i] = 'x'
	}
	data[len(data)-1] = '\r'
	data = append(data, '\n')
	at := modelPoint(data, 2*source.BlockSize)
	for _, enc := range filestest.Encodings {
		got, _ := takeAll(t, enc.Store(data, 7), at, 2*source.BlockSize-1)
		require.Equal(t, []string{`rest 128 of 0: "\n"`}, got, enc.Name)
	}
}
