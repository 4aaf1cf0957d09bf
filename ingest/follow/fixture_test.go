package follow_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"logseal/ingest/files/filestest"
	"logseal/ingest/follow"
	"logseal/ingest/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var background = context.Background()

// pointAt is the Point at off of a file that holds data.
func pointAt(data []byte, off int) source.Point {
	c := source.NewChain()
	c.Write(data[:off])
	p := c.Point()
	p.Line = int64(bytes.LastIndexByte(data[:off], '\n') + 1)
	return p
}

// openFile follows a new file that holds data.
func openFile(t *testing.T, data string) (*follow.File, *filestest.FS) {
	t.Helper()
	fsys := filestest.New()
	fsys.Write("app.log", []byte(data))
	l, err := follow.Open(fsys, "app.log")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		require.Equal(t, 0, fsys.OpenHandles())
	})
	return l, fsys
}

// catchUp takes what there is.
func catchUp(t *testing.T, l *follow.File) {
	t.Helper()
	_, err := l.Read(1 << 40)
	require.NoError(t, err)
}

// viewed gives the records of a Snapshot from a Point.
func viewed(t *testing.T, l *follow.File, at source.Point, end int64, finished bool) string {
	t.Helper()
	f, err := l.Snapshot(end, finished)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r, err := f.Reader(background, at, 1<<20)
	require.NoError(t, err)
	data, err := filestest.ReadAll(r, 0)
	require.NoError(t, err)
	return string(data)
}
