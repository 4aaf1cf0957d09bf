package main

import (
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/sink/s3"
	"logseal/ingest/sink/s3/s3test"
)

// newTestLogs gives the objects of a server, with the bucket of a sink in it, and the root of a
// bucket's paths.
func newTestLogs(t *testing.T) (l *logs, server *s3test.Server, bucket, root string) {
	server = s3test.Start(t)
	s3test.Setenv(t)
	bucket = server.Bucket(t)
	sink, err := s3.ParseURL(server.URL(bucket + "/lake"))
	require.NoError(t, err)
	a := newApp(io.Discard, io.Discard)
	return newLogs(t.Context(), a, &sink), server, bucket, s3Scheme + bucket + "/"
}

func TestLogs_ReadsObjectAsItWasFound(t *testing.T) {
	l, server, bucket, root := newTestLogs(t)
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
func TestLogs_StatIsTheSameFromListAndHead(t *testing.T) {
	l, server, bucket, root := newTestLogs(t)
	server.Plant(t, bucket, "in/a.log", []byte("one\n"))
	asked, err := l.Stat(root + "in/a.log")
	require.NoError(t, err)
	require.Equal(t, int64(4), asked.Size)
	require.NotEmpty(t, asked.Version)
	require.Zero(t, asked.Inode)

	other := newLogs(t.Context(), newApp(io.Discard, io.Discard), l.sink)
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
func TestLogs_ChangedObjectIsAFaultOfItsPath(t *testing.T) {
	l, server, bucket, root := newTestLogs(t)
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
	_, _, err = f.Head(true, nil)
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

// Keys are taken as they stand.
func TestLogs_FindsAnyKey(t *testing.T) {
	l, server, bucket, root := newTestLogs(t)
	keys := []string{"in/a.log", "in/b [1].log", "in/ü?&=%.log", "in/deep/er/.hidden",
		"lake/data/app/x", "lake/logseal.json", "lake/own.log"}
	for _, key := range keys {
		server.Plant(t, bucket, key, []byte(key))
	}
	find := func(patterns ...string) ([]string, error) {
		s := &selection{patterns: patterns, named: true}
		return s.find(newApp(io.Discard, io.Discard), l, func(string) bool { return false })
	}
	paths := func(keys ...string) (all []string) {
		for _, key := range keys {
			all = append(all, root+key)
		}
		return all
	}
	for _, c := range []struct{ patterns, want []string }{
		{paths("**"), paths(keys[0], keys[1], keys[3], keys[2], keys[6])},
		{paths("in/*.log"), paths(keys[0], keys[1], keys[2])},
		{paths("in/**/*"), paths(keys[0], keys[1], keys[3], keys[2])},
		{paths("in/b [1].log"), paths(keys[1])},
		{paths("in/{a,c}.log", "in/?.log"), paths(keys[0])},
		{paths("in/ü?&=%.log"), paths(keys[2])},
		{paths("lake/*"), paths(keys[6])},
	} {
		have, err := find(c.patterns...)
		require.NoError(t, err, c.patterns)
		require.Equal(t, c.want, have, c.patterns)
		for _, path := range have {
			h, err := l.Open(path)
			require.NoError(t, err)
			b := make([]byte, len(path)-len(root))
			_, err = h.ReadAt(b, 0)
			require.NoError(t, err)
			require.Equal(t, path, root+string(b))
			require.NoError(t, h.Close())
		}
	}
	for pattern, want := range map[string]string{
		root + "in/none*":        "no file matches",
		root + "lake/data/**":    "no file matches",
		root + "lake/data/app/x": "never loaded",
		root + "in":              "is a folder",
	} {
		_, err := find(pattern)
		require.ErrorContains(t, err, want)
	}
}

func TestLogs_OptionsOfABucket(t *testing.T) {
	sink := &s3.Options{Bucket: "lake", Prefix: "logs", Endpoint: "http://127.0.0.1:1",
		Region: "eu-west-1", PathStyle: true, CAFile: "ca.pem", SSE: "AES256"}
	for _, c := range []struct {
		sink       *s3.Options
		path, want string
		options    s3.Options
	}{
		{nil, "s3://a/k", "s3://a/k", s3.Options{Bucket: "a"}},
		{sink, "s3://aaa/k", "s3://aaa/k", s3.Options{Bucket: "aaa", Endpoint: sink.Endpoint,
			Region: "eu-west-1", PathStyle: true, CAFile: "ca.pem"}},
		{sink, "s3://aaa/k?region=us-east-1", "s3://aaa/k", s3.Options{Bucket: "aaa",
			Endpoint: sink.Endpoint, Region: "us-east-1", PathStyle: true, CAFile: "ca.pem"}},
		{sink, "s3://aaa/a?b*?endpoint=https://x:9&path_style=false", "s3://aaa/a?b*",
			s3.Options{Bucket: "aaa", Endpoint: "https://x:9", Region: "eu-west-1", CAFile: "ca.pem"}},
	} {
		l := newLogs(t.Context(), newApp(io.Discard, io.Discard), c.sink)
		c.options.Bucket = "aaa"
		c.path = strings.Replace(c.path, "s3://a/", "s3://aaa/", 1)
		have, err := l.locate(c.path)
		require.NoError(t, err)
		require.Equal(t, strings.Replace(c.want, "s3://a/", "s3://aaa/", 1), have)
		o, err := l.optionsOf("aaa")
		require.NoError(t, err)
		require.Equal(t, c.options, o)
	}
	l := newLogs(t.Context(), &app{log: slog.New(slog.DiscardHandler)}, sink)
	for path, want := range map[string]string{
		"s3://aaa/k?region=a&sse=AES256":       `"sse" is no option of logs to read`,
		"s3://eee/*.log?sse=AES256":            `"sse" is no option of logs to read`,
		"s3://fff/*.log?conditional=off":       `"conditional" is no option of logs to read`,
		"s3://bbb/k?region=a&regoin=b":         `did you mean "region"`,
		"s3://ccc/k?endpoint=ftp://x":          "endpoint",
		"s3://ddd":                             "is a bucket",
		"s3://ddd/x/":                          "is a folder",
		"s3://ddd/x?endpoint=http://k:s@x:900": "credentials do not belong",
	} {
		_, err := l.locate(path)
		require.ErrorContains(t, err, want, path)
		require.Equal(t, exitUsage, exitCode(err))
	}
}

// Whether an object is one that the sink is made of depends on where it is, too.
func TestLogs_InSink(t *testing.T) {
	sink := &s3.Options{Bucket: "lake", Prefix: "logs", Endpoint: "http://127.0.0.1:1", Region: "r"}
	for path, want := range map[string]bool{
		"s3://lake/logs/data/app/x":                            true,
		"s3://lake/logs/logseal.json":                          true,
		"s3://lake/logs/manifests/x":                           true,
		"s3://lake/logs/raw/x":                                 false,
		"s3://lake/data/app/x":                                 false,
		"s3://lake/logsdata/app/x":                             false,
		"s3://other/logs/data/app/x":                           false,
		"s3://lake/logs/data/x?region=elsewhere":               true,
		"s3://lake/logs/data/x?endpoint=http://127.0.0.1:2":    false,
		"s3://lake/logs/data/x?endpoint=http://127.0.0.1:1":    true,
		"s3://lake/logs/logseal.json/x?endpoint=http://x.y:22": false,
	} {
		l := newLogs(t.Context(), newApp(io.Discard, io.Discard), sink)
		plain, err := l.locate(path)
		require.NoError(t, err)
		require.Equal(t, want, l.inSink(plain), path)
		require.False(t, newLogs(t.Context(), newApp(io.Discard, io.Discard), nil).inSink(plain))
	}
}

// What the SDK's configuration says is looked up once for each bucket, not for each object: that
// would be minutes for a heap of a million.
func TestLogs_InSinkIsCheap(t *testing.T) {
	sink := &s3.Options{Bucket: "lake", Prefix: "logs", Region: "r"}
	l := newLogs(t.Context(), newApp(io.Discard, io.Discard), sink)
	for _, path := range []string{"s3://lake/raw/a.log", "s3://other/a.log", "s3://lake/logs/data/x",
		"s3://lake/logs/raw/a.log", "s3://other/logs/data/x"} {
		require.Equal(t, path == "s3://lake/logs/data/x", l.inSink(path), path)
		require.Less(t, testing.AllocsPerRun(10, func() { l.inSink(path) }), 20.0, path)
	}
	// Options that come later say where the bucket is.
	_, err := l.locate("s3://other/*?endpoint=http://127.0.0.1:1")
	require.NoError(t, err)
	require.False(t, l.inSink("s3://other/logs/data/x"))
	_, err = l.locate("s3://lake/*?endpoint=http://127.0.0.1:1")
	require.NoError(t, err)
	require.False(t, l.inSink("s3://lake/logs/data/x"))
}

// A pattern's options begin at the name of any option that a URL may have.
func TestOptionsStart_KnowsAllOptions(t *testing.T) {
	_, err := s3.ParseURL("s3://lake/logs?unknown=1")
	require.Error(t, err)
	text := err.Error()
	names := strings.Split(text[strings.LastIndex(text, "(")+1:len(text)-1], ", ")
	require.ElementsMatch(t, names, slices.Concat(sourceOptions, sinkOptions))
}
