package input

import (
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/sink/s3"
	"logseal/ingest/sink/s3/s3test"
)

// newTestFS gives the objects of a server, with the bucket of a sink in it, and the root of a
// bucket's paths.
func newTestFS(t *testing.T) (l *FS, server *s3test.Server, bucket, root string) {
	server = s3test.Start(t)
	s3test.Setenv(t)
	bucket = server.Bucket(t)
	sink, err := s3.ParseURL(server.URL(bucket + "/lake"))
	require.NoError(t, err)
	a := slog.New(slog.DiscardHandler)
	return NewFS(t.Context(), a, &sink), server, bucket, s3Scheme + bucket + "/"
}

func TestFS_ReadsObjectAsItWasFound(t *testing.T) {
	l, server, bucket, root := newTestFS(t)
	body := strings.Repeat("0123456789abcdef", startMax/8) // twice what is kept
	server.Plant(t, bucket, "in/a.log", []byte(body))
	listed, err := l.Glob(root + "in/*")
	require.NoError(t, err)
	require.Equal(t, []string{root + "in/a.log"}, listed)

	h, err := l.Open(listed[0])
	require.NoError(t, err)
	for _, at := range [][2]int{{0, 4}, {startMax - 3, 10}, {len(body) - 5, 5}, {0, len(body)},
		{7, 9}} {
		b := make([]byte, at[1])
		n, err := h.ReadAt(b, int64(at[0]))
		if err != io.EOF {
			require.NoError(t, err)
		}
		require.Equal(t, body[at[0]:at[0]+at[1]], string(b[:n]))
	}
	n, err := h.ReadAt(make([]byte, 10), int64(len(body)-5))
	require.Equal(t, 5, n)
	require.Equal(t, io.EOF, err)
	n, err = h.ReadAt(make([]byte, 10), int64(len(body)))
	require.Zero(t, n)
	require.Equal(t, io.EOF, err)
	require.NoError(t, h.Close())
}

// What a listing says of an object and what it says itself are the same, or no object would ever be
// known again.
func TestFS_StatIsTheSameFromListAndHead(t *testing.T) {
	l, server, bucket, root := newTestFS(t)
	server.Plant(t, bucket, "in/a.log", []byte("one\n"))
	asked, err := l.Stat(root + "in/a.log")
	require.NoError(t, err)
	require.Equal(t, int64(4), asked.Size)
	require.NotEmpty(t, asked.Version)
	require.Zero(t, asked.Inode)

	other := NewFS(t.Context(), slog.New(slog.DiscardHandler), l.sink)
	_, err = other.Glob(root + "**")
	require.NoError(t, err)
	require.Contains(t, other.seen, root+"in/a.log")
	listed, err := other.Stat(root + "in/a.log")
	require.NoError(t, err)
	require.Equal(t, asked, listed)
}

// MinIO and others list the time to the millisecond, and answer HEAD to the second.
func TestObjectStat_ComparesSeconds(t *testing.T) {
	at := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	listed := s3.Entry{Key: "a", Size: 1, ETag: `"e"`, Modified: at.Add(678 * time.Millisecond)}
	asked := s3.Entry{Key: "a", Size: 1, ETag: "e", Modified: at}
	require.Equal(t, objectStat(asked), objectStat(listed))
	asked.Modified = at.Add(time.Second)
	require.NotEqual(t, objectStat(asked), objectStat(listed))
	asked.Modified, asked.ETag = at, "f"
	require.NotEqual(t, objectStat(asked), objectStat(listed))
}

// An object that is written over or deleted after it was found is a fault of that path alone, and
// is looked at anew the next time.
func TestFS_ChangedObjectIsAFaultOfItsPath(t *testing.T) {
	l, server, bucket, root := newTestFS(t)
	path := root + "in/a.log"
	server.Plant(t, bucket, "in/a.log", []byte("one\n"))
	_, err := l.Stat(path)
	require.NoError(t, err)
	server.Plant(t, bucket, "in/a.log", []byte("two\nthree\n"))

	h, err := l.Open(path)
	require.NoError(t, err)
	_, err = h.ReadAt(make([]byte, 4), 0)
	var inPath *fs.PathError
	require.ErrorAs(t, err, &inPath)
	require.Equal(t, path, inPath.Path)
	require.ErrorAs(t, err, new(*s3.ChangedError))
	require.NoError(t, h.Close())

	f, err := files.Open(l, path)
	require.NoError(t, err)
	require.Equal(t, int64(10), f.Stat().Size)
	_, _, err = f.Head(true)
	require.NoError(t, err)
	changed, err := f.Changed()
	require.NoError(t, err)
	require.False(t, changed)
	server.Plant(t, bucket, "in/a.log", []byte("two\nthree\nfour\n"))
	changed, err = f.Changed()
	require.NoError(t, err)
	require.True(t, changed, "an object that is put anew counts as growing")
	require.NoError(t, f.Close())

	_, err = l.Stat(root + "in/none.log")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestEscape_MatchesThePathAlone(t *testing.T) {
	for _, path := range []string{"/var/log", "/a*b?[c]{d,e}", `/a\b`} {
		ok, err := files.Match(Escape(path), path)
		require.NoError(t, err)
		require.True(t, ok, path)
	}
	ok, err := files.Match(Escape("/a*"), "/ab")
	require.NoError(t, err)
	require.False(t, ok)
}
