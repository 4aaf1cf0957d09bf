package s3

import (
	"os"
	"path/filepath"
	"testing"
	"time"

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

func TestStore_Keys_AreBelowThePrefix(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	outer, inner := open(t, server.URL(bucket)), open(t, server.URL(bucket+"/a%20b/c"))
	o := sinktest.Object("logseal.json", []byte("{}"))
	require.NoError(t, inner.Put(t.Context(), o))
	_, err := outer.Stat(t.Context(), o.Key)
	require.ErrorIs(t, err, sink.ErrNotFound)
	if server.IsFolder() {
		b, err := os.ReadFile(filepath.Join(server.Folder(bucket), "a b/c/logseal.json"))
		require.NoError(t, err)
		require.Equal(t, "{}", string(b))
	}
	require.Equal(t, "s3://"+bucket+"/a%20b/c?endpoint="+server.Endpoint(), inner.Name())
}

// open gives the store at url, whose connections end with the test.
func open(tb testing.TB, url string) *Store {
	tb.Helper()
	o, err := ParseURL(url)
	require.NoError(tb, err)
	return openOptions(tb, o)
}

// hasty is open of a store whose lists do not wait for better times.
func hasty(tb testing.TB, url string) *Store {
	tb.Helper()
	o, err := ParseURL(url)
	require.NoError(tb, err)
	o.Patience = time.Nanosecond // less than any wait: with a millisecond, one in 200 is within it
	return openOptions(tb, o)
}

func openOptions(tb testing.TB, o Options) *Store {
	tb.Helper()
	s, err := New(tb.Context(), o)
	require.NoError(tb, err)
	tb.Cleanup(s.Close)
	return s
}
