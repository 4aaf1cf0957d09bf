package s3

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

func listed(t *testing.T, s *Store, prefix string) (keys []string) {
	t.Helper()
	for info, err := range s.List(t.Context(), prefix) {
		require.NoError(t, err)
		require.NotZero(t, info.Modified)
		require.Zero(t, info.SHA256)
		keys = append(keys, info.Key)
	}
	return keys
}

func TestList_ManyPages(t *testing.T) {
	const n = 2500
	server := s3test.Start(t)
	if !server.IsFolder() {
		t.Skip("only a server that is a folder can be filled quickly")
	}
	bucket := server.Bucket(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(bucket+"/x"))
	var want []string
	for i := range n {
		want = append(want, sinktest.Key(i))
		path := filepath.Join(server.Folder(bucket), "x", want[i])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o644))
	}
	slices.Sort(want)
	require.Equal(t, want, listed(t, s, "data/"))
	require.Len(t, faults.Asked(), 3)
	faults.Asked()
	for info, err := range s.List(t.Context(), "data/") {
		require.NoError(t, err)
		require.Equal(t, want[0], info.Key)
		break
	}
	require.Len(t, faults.Asked(), 1, "pages are fetched as they are wanted")
}

func TestList_SomethingElseInTheBucket(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	s := open(t, server.URL(bucket+"/x"))
	for _, key := range []string{"x/other/a", "x/logseal.jsonx", "x/readme", "y/data/a", "data/a",
		"xdata/a", "x/.tmp/w/1", "x/data.old/a", "x/data/folder/", "x/data/not a key!"} {
		body := []byte(key)
		if key == "x/data/folder/" {
			body = nil
		}
		server.Plant(t, bucket, key, body)
	}
	require.NoError(t, s.Put(t.Context(), sinktest.Object("logseal.json", []byte("{}"))))
	require.NoError(t, s.Put(t.Context(), sinktest.Object(key, []byte("bytes"))))
	require.Equal(t, []string{key, "data/not a key!", "logseal.json"}, listed(t, s, ""))
	require.Equal(t, []string{key, "data/not a key!"}, listed(t, s, "d"))
	require.Equal(t, []string{"data/not a key!"}, listed(t, s, "data/n"))
	require.Empty(t, listed(t, s, "other/"))
	require.Empty(t, listed(t, s, "../y/data/"))
}

func TestList_CutInTheMiddle_IsAnError(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(server.Bucket(t)))
	for i := range 20 {
		require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(i), []byte("bytes"))))
	}
	for _, at := range []int64{1, 100, 1000, 2000} {
		faults.Times(1, "GET", s3test.Fault{CutAt: at})
		seen, failed := 0, error(nil)
		for _, err := range s.List(t.Context(), "data/") {
			if failed = err; err == nil {
				seen++
			}
		}
		require.ErrorAs(t, failed, new(*sink.TransientError), fmt.Sprint(at))
		require.Zero(t, seen)
	}
}
