package input

import (
	"cmp"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"logseal/ingest/files"
	"logseal/ingest/sink"
	"logseal/ingest/sink/s3"
	"logseal/ingest/usage"
)

// s3Scheme begins the path of an object.
const s3Scheme = "s3://"

// IsObject reports whether a path or a pattern names objects in a bucket.
func IsObject(path string) bool { return s3.IsURL(path) }

// splitObject cuts s3://bucket/key, or a pattern of such.
func splitObject(path string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, s3Scheme), "/")
	return bucket, key
}

var (
	// sourceOptions are the options of a URL that say where a bucket is.
	sourceOptions = []string{"endpoint", "region", "path_style", "ca_file", "stall"}
	// sinkOptions are the others, which say how objects are put.
	sinkOptions = []string{"storage_class", "sse", "kms_key_id", "tags", "conditional", "checksum"}
)

// optionsStart finds where the options of a pattern begin, those that it may not have, too. A `?`
// that is followed by no option's name stands for a character.
var optionsStart = regexp.MustCompile(`\?(?:` +
	strings.Join(slices.Concat(sourceOptions, sinkOptions), "|") + `)=`)

// locate takes the options off a path or a pattern of objects and remembers them for its bucket.
func (l *FS) locate(path string) (string, error) {
	query := ""
	if at := optionsStart.FindStringIndex(path); at != nil {
		path, query = path[:at[0]], path[at[0]+1:]
	}
	bucket, key := splitObject(path)
	if key == "" {
		return "", usage.Errorf("%s is a bucket: write '%s%s/**' for the objects in it", path, s3Scheme, bucket)
	}
	if strings.HasSuffix(key, "/") {
		return "", usage.Errorf("%s is a folder: write '%s**' for the objects in it", path, path)
	}
	if query == "" {
		return path, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, ok := l.options[bucket]; ok && old != query {
		return "", usage.Errorf("bucket %s has the options ?%s and ?%s; give all its patterns the same",
			bucket, old, query)
	}
	l.options[bucket] = query
	delete(l.names, bucket)
	_, err := l.optionsOf(bucket)
	return path, err
}

// optionsOf says where a bucket is: what no pattern says is as the sink says. It is called with
// mu held.
func (l *FS) optionsOf(bucket string) (s3.Options, error) {
	query := l.options[bucket]
	values, err := url.ParseQuery(query)
	if err != nil {
		return s3.Options{}, usage.Errorf("%s%s?%s: %w", s3Scheme, bucket, query, err)
	}
	for name := range values {
		if !slices.Contains(sourceOptions, name) {
			return s3.Options{}, usage.Errorf("%s%s: %q is no option of logs to read%s", s3Scheme, bucket, name,
				usage.DidYouMean(name, slices.Values(sourceOptions)))
		}
	}
	o, err := s3.ParseURL(s3Scheme + bucket + "?" + query)
	if err != nil {
		return s3.Options{}, usage.Errorf("%w", err)
	}
	if l.sink != nil {
		o.Endpoint = cmp.Or(o.Endpoint, l.sink.Endpoint)
		o.Region = cmp.Or(o.Region, l.sink.Region)
		o.CAFile = cmp.Or(o.CAFile, l.sink.CAFile)
		if !values.Has("path_style") {
			o.PathStyle = l.sink.PathStyle
		}
		if o.Stall == 0 {
			o.Stall = l.sink.Stall
		}
	}
	return o, nil
}

// inSink reports whether an object is one that the sink is made of.
func (l *FS) inSink(path string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owns(splitObject(path))
}

// owns is inSink, called with mu held. What a sink's name is costs the SDK's configuration, so it
// is asked last, and once for each bucket.
func (l *FS) owns(bucket, key string) bool {
	if l.sink == nil || !ownKey(l.sink.Prefix, key) {
		return false
	}
	if l.own == "" {
		l.own = l.sink.Name()
	}
	name, ok := l.names[bucket]
	if !ok {
		o, err := l.optionsOf(bucket)
		if err != nil {
			return false
		}
		o.Prefix = l.sink.Prefix
		name = o.Name()
		l.names[bucket] = name
	}
	return name == l.own
}

// ownKey reports whether the key of a bucket is one that the sink under prefix is made of.
func ownKey(prefix, key string) bool {
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		rest, ok := strings.CutPrefix(key, prefix+"/")
		if !ok {
			return false
		}
		key = rest
	}
	first, _, _ := strings.Cut(key, "/")
	return slices.Contains(sink.Roots(), first) || key == sink.RootObject()
}

// Absolute gives the path under which the ledger and the sink know a file or an object.
func (l *FS) Absolute(path string) (string, error) {
	if IsObject(path) {
		return l.locate(path)
	}
	return filepath.Abs(path)
}

// Matches reports whether a pattern matches an absolute path.
func (l *FS) Matches(pattern, path string) (bool, error) {
	if IsObject(pattern) != IsObject(path) {
		return false, nil
	}
	pattern, err := l.Absolute(pattern)
	if err != nil {
		return false, err
	}
	return files.Match(strings.TrimPrefix(pattern, s3Scheme), strings.TrimPrefix(path, s3Scheme))
}
