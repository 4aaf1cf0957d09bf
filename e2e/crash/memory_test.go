package crash_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// residentMax is what a load may have in memory, whatever it reads.
const residentMax = 512 << 20

// writeRepeated writes size bytes: a block over and over.
func writeRepeated(t testing.TB, path string, size int64, block []byte) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for size > 0 {
		n, err := f.Write(block[:min(size, int64(len(block)))])
		require.NoError(t, err)
		size -= int64(n)
	}
}

// noise is a block that does not compress and has no line end.
func noise(size int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	block := make([]byte, size)
	for i := range block {
		if block[i] = byte(r.Uint32()); block[i] == '\n' {
			block[i] = 0
		}
	}
	return block
}

// TestMemory_OneLongLine_LoadsInBounds loads a file that is one line, of which nothing becomes a row, so that
// the run wants a look. It is not parallel: the
// peak that the kernel tells of a child counts what its parent had, so the parent must stay small.
func TestMemory_OneLongLine_LoadsInBounds(t *testing.T) {
	s := newSite(t)
	writeRepeated(t, s.path("line.log"), longLine, noise(5<<20+17))
	const fragments = (longLine + 1<<20 - 1) >> 20
	e := s.must(3, "load", "--json", "--format", "app", "--on-exceed", "quarantine", "line.log")
	t.Logf("%d bytes in one line: at most %d MiB resident", longLine, e.rssMax>>20)
	l := e.loaded(t)
	require.Equal(t, loaded{OK: l.OK, Sources: 1, Bytes: longLine, Records: fragments,
		Rejects: fragments}, l)
	require.Less(t, e.rssMax, int64(residentMax))
	e = s.must(0, "verify", "--deep", "--source", "line.log")
	t.Logf("verify: at most %d MiB", e.rssMax>>20)
	require.Less(t, e.rssMax, int64(residentMax))
}

// TestMemory_OnlyLineEnds_LoadsInBounds loads a file of blank lines.
func TestMemory_OnlyLineEnds_LoadsInBounds(t *testing.T) {
	s := newSite(t)
	writeRepeated(t, s.path("blank.log"), blankLines, bytes.Repeat([]byte("\n"), 1<<20))
	e := s.must(0, "load", "--json", "--format", "app", "blank.log")
	t.Logf("%d line ends: at most %d MiB resident", blankLines, e.rssMax>>20)
	l := e.loaded(t)
	require.Equal(t, loaded{OK: true, Sources: 1, Bytes: blankLines, Skipped: blankLines,
		SkippedBytes: blankLines}, l)
	require.Less(t, e.rssMax, int64(residentMax))
	e = s.must(0, "verify", "--deep", "--source", "blank.log")
	t.Logf("verify: at most %d MiB", e.rssMax>>20)
	require.Less(t, e.rssMax, int64(residentMax))
}
