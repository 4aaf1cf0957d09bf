package s3

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
)

func TestBucket_StatAndList(t *testing.T) {
	s := newShelf(t, []byte("a log"))
	require.Equal(t, logKey, s.entry.Key)
	require.EqualValues(t, 5, s.entry.Size)
	require.NotEmpty(t, s.entry.ETag)
	require.WithinDuration(t, time.Now(), s.entry.Modified, time.Hour)
	_, err := s.Stat(t.Context(), "logs/none")
	require.ErrorIs(t, err, sink.ErrNotFound)
	require.ErrorContains(t, err, "stat s3://"+s.name+"/logs/none")

	s.server.Plant(t, s.name, "logs/2024/folder/", nil)
	want := []string{logKey, "logs/2024/x%2fy&z<\"'>?#.gz", "logs/a\tb", "logs/a b+c", "other"}
	for _, key := range want[1:] {
		s.server.Plant(t, s.name, key, []byte(key))
	}
	s.faults.Times(2, "GET", s3test.Fault{Status: 503})
	var got []string
	for e, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		stat, err := s.Stat(t.Context(), e.Key)
		require.NoError(t, err)
		e.Modified = e.Modified.Truncate(time.Second) // all that a HEAD can say
		require.Equal(t, stat, e)
		got = append(got, e.Key)
	}
	require.ElementsMatch(t, want, got)
	got = nil
	for e, err := range s.List(t.Context(), "logs/a") {
		require.NoError(t, err)
		got = append(got, e.Key)
	}
	require.Equal(t, []string{"logs/a\tb", "logs/a b+c"}, got)
}
