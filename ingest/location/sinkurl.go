package location

import (
	"cmp"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"

	"logseal/ingest/sink/dir"
	"logseal/ingest/sink/s3"
	"logseal/ingest/usage"
)

// SinkURL says where a sink is.
type SinkURL struct {
	Sink   string      // its name: a folder's absolute path with links resolved, or a bucket's
	Bucket *s3.Options // nil for a folder
	mode   fs.FileMode // of objects in a folder
}

// ParseSinkURL reads the text of --out or `sink:`. It opens nothing.
func ParseSinkURL(text string) (SinkURL, error) {
	if s3.IsURL(text) {
		o, err := s3.ParseURL(text)
		if err != nil {
			return SinkURL{}, usage.Errorf("sink: %w", err)
		}
		return SinkURL{Sink: o.Name(), Bucket: &o}, nil
	}
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		// What follows the scheme may be a key and its secret.
		return SinkURL{}, usage.Errorf("sink: unknown scheme %q; want a folder or s3://bucket/prefix", scheme)
	}
	if err := CheckSlashes(text); err != nil {
		return SinkURL{}, usage.Errorf("sink: %w", err)
	}
	name, err := dir.Name(text)
	if err != nil {
		return SinkURL{}, usage.Errorf("sink: %w", err)
	}
	return SinkURL{Sink: name}, nil
}

// sinkScheme begins the URL of a sink in a bucket.
const sinkScheme = "s3://"

// fewSlashes is the beginning of what was meant to be a URL: a scheme with one slash, or s3 with none.
var fewSlashes = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9+.-]+):/|([sS]3):)`)

// CheckSlashes refuses a path that looks like a URL with too few slashes. Without the check the program would
// make a folder of that name.
func CheckSlashes(path string) error {
	m := fewSlashes.FindStringSubmatch(path)
	if m == nil || strings.Contains(path, "://") {
		return nil
	}
	if scheme := m[1] + m[2]; !strings.EqualFold(scheme, "s3") {
		return fmt.Errorf("%s: want a folder or s3://bucket/prefix; write ./%s for a folder of that name",
			path, path)
	}
	return fmt.Errorf("%s: did you mean %s%s? Write ./%s for a folder of that name", path, sinkScheme,
		strings.TrimLeft(path[len("s3:"):], "/"), path)
}

// WarnPlain warns if the store is reached without encryption.
func (t SinkURL) WarnPlain(log *slog.Logger) {
	if t.Bucket == nil {
		return
	}
	endpoint := cmp.Or(t.Bucket.Endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"),
		os.Getenv("AWS_ENDPOINT_URL"))
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsLoopback() {
		return
	}
	log.Warn("the store is reached without encryption: whoever is on the way can read the logs, and "+
		"session tokens; use https://", "endpoint", WithoutSecrets(endpoint))
}

// userinfoRE finds what stands before an @ in an address: it may be a key and its secret, which may
// have slashes.
var userinfoRE = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s@'"?]*:[^\s@'"?]*@`)

// WithoutSecrets replaces whatever may be credentials in the addresses of a text.
func WithoutSecrets(text string) string { return userinfoRE.ReplaceAllString(text, "$1…@") }
