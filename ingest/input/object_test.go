package input

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3"
	"logseal/ingest/usage"
)

func TestFS_OptionsOfABucket(t *testing.T) {
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
		l := NewFS(t.Context(), slog.New(slog.DiscardHandler), c.sink)
		c.options.Bucket = "aaa"
		c.path = strings.Replace(c.path, "s3://a/", "s3://aaa/", 1)
		have, err := l.locate(c.path)
		require.NoError(t, err)
		require.Equal(t, strings.Replace(c.want, "s3://a/", "s3://aaa/", 1), have)
		o, err := l.optionsOf("aaa")
		require.NoError(t, err)
		require.Equal(t, c.options, o)
	}
	l := NewFS(t.Context(), slog.New(slog.DiscardHandler), sink)
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
		require.True(t, usage.Is(err))
	}
}

// Whether an object is one that the sink is made of depends on where it is, too.
func TestFS_InSink(t *testing.T) {
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
		l := NewFS(t.Context(), slog.New(slog.DiscardHandler), sink)
		plain, err := l.locate(path)
		require.NoError(t, err)
		require.Equal(t, want, l.inSink(plain), path)
		require.False(t, NewFS(t.Context(), slog.New(slog.DiscardHandler), nil).inSink(plain))
	}
}

// What the SDK's configuration says is looked up once for each bucket, not for each object: that
// would be minutes for a heap of a million.
func TestFS_InSinkIsCheap(t *testing.T) {
	sink := &s3.Options{Bucket: "lake", Prefix: "logs", Region: "r"}
	l := NewFS(t.Context(), slog.New(slog.DiscardHandler), sink)
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
