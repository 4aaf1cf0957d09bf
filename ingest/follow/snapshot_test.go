package follow_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/follow"
)

// A truncation in the course of a backlog that is read from the file is no end, and no bytes of
// another incarnation.
func TestFile_Snapshot_OfABacklogThatIsTruncated(t *testing.T) {
	old := strings.Repeat("old line\n", 1<<17)
	for name, fresh := range map[string]string{
		"shorter": "new\n", "longer": strings.Repeat("new line\n", 1<<18), "empty": ""} {
		t.Run(name, func(t *testing.T) {
			l, fsys := openFile(t, old)
			require.NoError(t, l.Begin(9000))
			f, err := l.Snapshot(int64(len(old)), false)
			require.NoError(t, err)
			r, err := f.Reader(background, pointAt([]byte(old), 9000), 100)
			require.NoError(t, err)
			reads := 0
			fsys.SetFault(func(op filestest.Op, _ string, off int64) error {
				if op == filestest.OpRead && off > 9000 {
					if reads++; reads == 3 {
						fsys.SetFault(nil)
						fsys.Overwrite("app.log", []byte(fresh))
					}
				}
				return nil
			})
			got, err := filestest.ReadAll(r, 0)
			var shrunk *files.ShrunkError
			require.ErrorAs(t, err, &shrunk)
			require.True(t, strings.HasPrefix(old[9000:], string(got)))
			require.True(t, l.Lost())
			_, err = l.Read(1)
			require.ErrorAs(t, err, new(*follow.TruncatedError))
			_, err = f.Marker(int64(len(old)))
			require.ErrorAs(t, err, &shrunk)
			require.NoError(t, f.Close())
			_, err = l.Snapshot(int64(len(old)), true)
			require.ErrorAs(t, err, &shrunk)
		})
	}
}

// A Snapshot of an incarnation that was lost before all of it was held takes nothing from the next.
func TestFile_Snapshot_OfALostIncarnation(t *testing.T) {
	l, fsys := openFile(t, "old one\nold two\n")
	f, err := l.Snapshot(16, true)
	require.NoError(t, err)
	l.Abandon()
	require.NoError(t, l.Begin(0))
	_, err = f.Marker(8)
	require.ErrorAs(t, err, new(*files.ShrunkError))
	require.NoError(t, f.Close())
	require.Error(t, f.Close())
	_, err = f.Marker(8)
	require.ErrorIs(t, err, os.ErrClosed)
	require.Equal(t, 1, fsys.OpenHandles(), "the File stays open")
	_, err = l.Snapshot(-1, true)
	require.ErrorContains(t, err, "negative end")
}

// When another incarnation begins while a Snapshot reads the one before, the Snapshot gives none of it.
func TestFile_Snapshot_WhileAnotherIncarnationBegins(t *testing.T) {
	l, fsys := openFile(t, "old one\nold two\n")
	f, err := l.Handle(16)
	require.NoError(t, err)
	fsys.SetFault(func(op filestest.Op, _ string, _ int64) error {
		fsys.SetFault(nil)
		fsys.Overwrite("app.log", []byte("new one\nnew two\n"))
		l.Abandon()
		return l.Begin(0)
	})
	_, err = f.ReadAt(make([]byte, 8), 0)
	require.ErrorAs(t, err, new(*files.ShrunkError))
	require.False(t, l.Lost(), "the other one is there")
	require.NoError(t, f.Close())
}

// Its Stat is one that the file had while its bytes were those taken: a file written anew is never
// taken for the one that was read.
func TestFile_Snapshot_Stat(t *testing.T) {
	l, fsys := openFile(t, "one\n")
	catchUp(t, l)
	want, err := l.Look()
	require.NoError(t, err)
	fsys.Overwrite("app.log", []byte("new\n"))
	now, err := l.Look()
	require.NoError(t, err)
	require.NotEqual(t, want, now)
	for range 2 {
		f, err := l.Snapshot(4, true)
		require.NoError(t, err)
		require.Equal(t, want, f.Stat())
		require.NoError(t, f.Close())
		_, err = l.Read(1)
		require.ErrorAs(t, err, new(*follow.TruncatedError))
	}
}
