package tail_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// cloudSite is a site whose sink is a bucket, with a way to it that can be cut.
type cloudSite struct {
	*site
	server *s3test.Server
	bucket string
	wire   *s3test.Wire
}

// newCloudSite starts a server for the site. The program has been there once, since a first start
// waits for the server: only that knows whether there is a table.
func newCloudSite(t testing.TB, change ...func(*settings)) *cloudSite {
	t.Helper()
	s := newEmptyCloud(t, change...)
	s.start()
	s.append("logs/first.log", "first")
	s.settle()
	s.stop()
	return s
}

// newEmptyCloud is one where the program has not been.
func newEmptyCloud(t testing.TB, change ...func(*settings)) *cloudSite {
	t.Helper()
	if kind := os.Getenv("S3_SERVER"); kind != "" && kind != "versitygw" {
		t.Skipf("not run: objects are read from the server's folder, and %s keeps them in no folder",
			kind)
	}
	server := s3test.Start(t)
	bucket, wire := server.Bucket(t), server.Wire(t)
	s := newSite(t, append(change, func(c *settings) { c.sink = wire.URL(bucket + "/logs") })...)
	s.env = s3test.Environ()
	s.lake = newLake(filepath.Join(server.Folder(bucket), "logs"))
	return &cloudSite{s, server, bucket, wire}
}

// awaitSpool waits until batches wait in the spool, and gives the paths of their data.
func (s *cloudSite) awaitSpool() (paths []string) {
	s.Helper()
	s.await(func() (bool, string) {
		paths = nil
		manifests := 0 // the last of a batch to come there: what has one is complete
		filepath.WalkDir(s.path("state/spool"), func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil || e.IsDir():
			case e.Name() == "manifest.json":
				manifests++
			default:
				paths = append(paths, path)
			}
			return nil
		})
		return manifests > 0 && len(paths) > 0, "nothing in the spool"
	})
	return paths
}

// aYearAgo is older than what anybody takes for a log that is still written.
func aYearAgo() time.Time { return time.Now().AddDate(-1, 0, 0) }

// awaitShipped waits until nothing is in the spool any more, so that what comes there next is new.
func (s *site) awaitShipped() {
	s.Helper()
	s.await(func() (bool, string) {
		left, err := os.ReadDir(s.path("state/spool"))
		return err == nil && len(left) == 0, "the spool is not empty"
	})
}

// requireEmptySpool wants nothing to wait in the spool.
func (s *site) requireEmptySpool() {
	s.Helper()
	left, err := os.ReadDir(s.path("state/spool"))
	require.NoError(s, err)
	require.Empty(s, left)
}
