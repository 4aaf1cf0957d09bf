package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logseal/ingest/sink/s3/s3test"
)

// cloud is a bucket of a real server of its own, and the way by which programs come to it.
type cloud struct {
	*s3test.Server
	bucket   string
	endpoint string // of the way
}

// newCloud starts a server.
func newCloud(t testing.TB) *cloud {
	t.Helper()
	if kind := os.Getenv("S3_SERVER"); kind != "" && kind != "versitygw" {
		t.Skipf("not run: objects are read from the server's folder, and %s keeps them in no folder",
			kind)
	}
	server := s3test.Start(t)
	return &cloud{server, server.Bucket(t), server.Endpoint()}
}

// by is the same bucket by another way.
func (c *cloud) by(endpoint string) *cloud { return &cloud{c.Server, c.bucket, endpoint} }

// url is what a config names a prefix of the bucket by.
func (c *cloud) url(prefix string, options ...string) string {
	url := strings.Replace(c.URL(c.bucket+"/"+prefix), c.Endpoint(), c.endpoint, 1)
	return strings.Join(append([]string{url}, options...), "&")
}

// site is a new machine that loads into a prefix of the bucket. Several may load into one.
func (c *cloud) site(t testing.TB, prefix string, options ...string) *site {
	return c.siteAt(t, t.TempDir(), prefix, options...)
}

// round is a site that is removed before the next one.
func (c *cloud) round(t testing.TB, prefix string) *site {
	return c.siteAt(t, filepath.Join(t.TempDir(), "round"), prefix)
}

func (c *cloud) siteAt(t testing.TB, root, prefix string, options ...string) *site {
	return &site{t, root, s3test.Environ(),
		fmt.Sprintf("sink: '%s'\nstate: state\n", c.url(prefix, options...)),
		filepath.Join(c.Folder(c.bucket), prefix), filepath.Join(root, "state")}
}
