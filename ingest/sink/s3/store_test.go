package s3

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

func TestStore(t *testing.T) {
	server := s3test.Start(t)
	sinktest.Run(t, func(t testing.TB) sink.Store {
		return open(t, server.URL(server.Bucket(t)+"/some/prefix"))
	})
}

func TestStore_OverTLS(t *testing.T) {
	server := s3test.StartTLS(t)
	sinktest.Run(t, func(t testing.TB) sink.Store { return open(t, server.URL(server.Bucket(t))) })
}

func TestStore_Unconditional(t *testing.T) {
	server := s3test.Start(t)
	s := open(t, server.URL(server.Bucket(t))+"&conditional=off")
	require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("one"))))
	require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("one"))))
	require.ErrorAs(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("two"))),
		new(*sink.ConflictError))
}

// open gives the store at url, whose connections end with the test.
func open(tb testing.TB, url string) *Store {
	tb.Helper()
	o, err := ParseURL(url)
	require.NoError(tb, err)
	return openOptions(tb, o)
}

func openOptions(tb testing.TB, o Options) *Store {
	tb.Helper()
	s, err := New(tb.Context(), o)
	require.NoError(tb, err)
	tb.Cleanup(s.Close)
	return s
}
