package s3

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Options say which part of which bucket is meant and how to talk to its store. Credentials are no
// part of them: those come from the SDK's own chain only.
type Options struct {
	Bucket string
	Prefix string // what all keys begin with; no slash at its ends, empty for the whole bucket

	Endpoint  string // base URL of a store other than AWS; empty: what the SDK's settings say
	Region    string // empty: what the SDK's settings say; with an endpoint at last us-east-1
	PathStyle bool   // the bucket is in the path of a URL, not in its host name

	StorageClass string            // of new objects; empty: the bucket's default
	SSE          string            // AES256, aws:kms or aws:kms:dsse; empty: the bucket's default
	KMSKeyID     string            // with a KMS kind of SSE; empty: the account's default key
	Tags         map[string]string // of new objects

	CAFile string // PEM file of CAs to trust beside the machine's own

	// Unconditional puts without If-None-Match, for a store that does not honour it: objects are
	// looked for before they are put. That is safe for one writer only.
	Unconditional bool

	// Checksum is which digest goes with a put for the store to check: sha256 or md5. Empty: sha256,
	// and md5 for a store that says that it lacks the header of sha256, once it has said so.
	Checksum string

	// Stall is how long a connection may stand still before it is given up; 0 for StallDefault. An
	// answer to much that was sent may take up to five times as long, see conn.
	Stall time.Duration
	// Patience is for how long a Bucket goes on trying without getting a byte; 0 for
	// PatienceDefault. A Store tries once, its readers and lists for some seconds; what repeats its
	// calls decides for how long.
	Patience time.Duration
	// OnRetry is told of each wait; nil for nobody.
	OnRetry func(what string, attempt int, wait time.Duration, err error)
}

const (
	// StallDefault is longer than stores take to answer, and short enough to see a dead line.
	StallDefault = time.Minute
	// PatienceDefault outlasts what stores call a short outage, and a restart of a gateway.
	PatienceDefault = 10 * time.Minute
)

const (
	checksumIsSHA256 = "sha256"
	checksumIsMD5    = "md5"
)

const scheme = "s3://"

// IsURL reports whether text names a place in a bucket, well or badly, and not a file.
func IsURL(text string) bool { return strings.HasPrefix(text, scheme) }

// settings are the options that a URL may have, in the order of Options.
var settings = []struct {
	name string
	set  func(o *Options, value string) error
}{
	{"endpoint", func(o *Options, v string) error { o.Endpoint = v; return checkEndpoint(v) }},
	{"region", func(o *Options, v string) error { o.Region = v; return nil }},
	{"path_style", func(o *Options, v string) (err error) {
		o.PathStyle, err = choice(v, "true", "false")
		return err
	}},
	{"storage_class", func(o *Options, v string) error { o.StorageClass = v; return nil }},
	{"sse", func(o *Options, v string) error { o.SSE = v; return nil }},
	{"kms_key_id", func(o *Options, v string) error { o.KMSKeyID = v; return nil }},
	{"tags", func(o *Options, v string) (err error) { o.Tags, err = parseTags(v); return err }},
	{"ca_file", func(o *Options, v string) error { o.CAFile = v; return nil }},
	{"conditional", func(o *Options, v string) (err error) {
		o.Unconditional, err = choice(v, "off", "on")
		return err
	}},
	{"checksum", func(o *Options, v string) (err error) {
		o.Checksum = v
		_, err = choice(v, checksumIsSHA256, checksumIsMD5)
		return err
	}},
	{"stall", func(o *Options, v string) (err error) {
		o.Stall, err = time.ParseDuration(v)
		if err != nil || o.Stall <= 0 {
			err = errors.New("want a time like 60s")
		}
		return err
	}},
}

// ParseURL reads s3://bucket/prefix?option=value&…, with the options endpoint, region, path_style,
// storage_class, sse, kms_key_id, tags, ca_file, conditional, checksum and stall. What it does not
// know is an error. Errors never repeat what may be a secret in the wrong place.
func ParseURL(text string) (Options, error) {
	rest, ok := strings.CutPrefix(text, scheme)
	if !ok {
		return Options{}, errors.New("not an s3:// URL")
	}
	place, query, _ := strings.Cut(rest, "?")
	bucket, prefix, _ := strings.Cut(place, "/")
	if strings.Contains(bucket, ":") || strings.Contains(place, "@") {
		return Options{}, errors.New("s3 URL: want s3://bucket/prefix; " + noSecrets +
			"; a port belongs in endpoint=")
	}
	prefix, err := url.PathUnescape(prefix)
	if err != nil {
		return Options{}, fmt.Errorf("s3 URL: prefix: %w", err)
	}
	o := Options{Bucket: bucket, Prefix: strings.TrimSuffix(prefix, "/")}
	if err := o.parseQuery(query); err != nil {
		return Options{}, fmt.Errorf("s3 URL: %w", err)
	}
	if err := o.Validate(); err != nil {
		return Options{}, fmt.Errorf("s3 URL: %w", err)
	}
	return o, nil
}

func (o *Options) parseQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the ? is not option=value&option=value")
	}
	names := make([]string, 0, len(settings))
	for _, s := range settings {
		names = append(names, s.name)
		v, ok := values[s.name]
		delete(values, s.name)
		switch {
		case !ok:
		case len(v) > 1:
			return fmt.Errorf("option %s is there twice", s.name)
		case v[0] == "":
			return fmt.Errorf("option %s has no value", s.name)
		default:
			if err := s.set(o, v[0]); err != nil {
				return fmt.Errorf("option %s: %w", s.name, err)
			}
		}
	}
	for name := range values {
		if secretName.MatchString(name) {
			return errors.New(noSecrets)
		}
		return fmt.Errorf("unknown option %q; did you mean %q? (%s)", name, nearest(name, names),
			strings.Join(names, ", "))
	}
	return nil
}

const noSecrets = "credentials do not belong in it, they come from the environment, a profile or " +
	"a role"

var secretName = regexp.MustCompile(`(?i)access|secret|token|credential|password|signature`)

// choice tells which of two words v is.
func choice(v, yes, no string) (bool, error) {
	if v != yes && v != no {
		return false, fmt.Errorf("want %s or %s", yes, no)
	}
	return v == yes, nil
}

// parseTags reads k=v,k=v.
func parseTags(text string) (map[string]string, error) {
	tags := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		k, v, ok := strings.Cut(pair, "=")
		if _, twice := tags[k]; !ok || k == "" || twice {
			return nil, errors.New("want tags=key=value,key=value, each key once")
		}
		tags[k] = v
	}
	return tags, nil
}

// nearest is the name with the fewest letters to change, add or drop.
func nearest(name string, names []string) string {
	best, least := "", -1
	for _, n := range names {
		if d := distance(name, n); least < 0 || d < least {
			best, least = n, d
		}
	}
	return best
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
