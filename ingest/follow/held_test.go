package follow_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/follow"
)

func TestFile_Held(t *testing.T) {
	l, fsys := openFile(t, "")
	require.Equal(t, int64(0), l.Held())
	var all []byte
	for i := range 300 {
		line := strings.Repeat("GET /index.html 200 some agent\n", 100+i)
		all = append(all, line...)
		fsys.Append("app.log", []byte(line))
		catchUp(t, l)
		require.Positive(t, l.Held())
	}
	require.Less(t, l.Held(), int64(len(all)/10))
	half := int64(bytes.LastIndexByte(all[:len(all)/2], '\n') + 1)
	before := l.Held()
	l.Release(half)
	require.InDelta(t, before/2, l.Held(), 40<<10)
	l.Release(half - 1000) // nothing comes back
	fsys.Truncate("app.log", 0)
	at := pointAt(all, int(half))
	require.Equal(t, string(all[half:]), viewed(t, l, at, int64(len(all)), false))
	l.Release(1 << 40)
	require.Equal(t, int64(0), l.Held())
	require.Equal(t, int64(len(all)), l.Taken())
}

// What was read can be let go of only while the file has it.
func TestFile_Forget(t *testing.T) {
	l, fsys := openFile(t, strings.Repeat("line\n", 1000)+"half")
	catchUp(t, l)
	l.Release(5000)
	require.NoError(t, l.Forget())
	require.Equal(t, int64(5000), l.Taken())
	require.Equal(t, int64(0), l.Held())
	fsys.Append("app.log", []byte(" line\n"))
	catchUp(t, l)
	require.Equal(t, int64(5010), l.Taken())

	fsys.Overwrite("app.log", append(fsys.Bytes("app.log")[:5000], "another line\n"...))
	require.ErrorAs(t, l.Forget(), new(*follow.TruncatedError))
	require.Equal(t, int64(5010), l.Taken())
	require.Equal(t, "half line\n", viewed(t, l, pointAt(fsys.Bytes("app.log"), 5000), 5010, false))
	require.ErrorAs(t, l.Forget(), new(*follow.TruncatedError))
}

// Thousands of files at rest cost little.
func TestFile_AtRest_IsSmall(t *testing.T) {
	const n = 1000
	fsys := filestest.New()
	line := []byte(strings.Repeat("some line of a log\n", 1<<14))
	fsys.Write("app.log", line)
	atRest := func() *follow.File {
		l, err := follow.Open(fsys, "app.log")
		require.NoError(t, err)
		_, err = l.Read(1 << 30)
		require.NoError(t, err)
		l.Release(int64(len(line)))
		return l
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	_ = atRest().Close()
	before := heap()
	lives := make([]*follow.File, n)
	for i := range lives {
		lives[i] = atRest()
	}
	each := (heap() - before) / n
	t.Logf("%d bytes each", each)
	require.Less(t, each, int64(900))
	for _, l := range lives {
		require.NoError(t, l.Close())
	}
}
