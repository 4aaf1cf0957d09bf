package input

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"logseal/ingest/files"
	"logseal/ingest/usage"
)

// Excluder holds the patterns of `exclude`.
type Excluder struct {
	names []string // of a file's name alone
	paths []string // of the whole path, or of a bucket and a key
}

// NewExcluder checks the patterns of a stream. The name of the stream is for errors.
func NewExcluder(stream string, patterns []string) (*Excluder, error) {
	x := &Excluder{}
	for _, pattern := range patterns {
		if _, err := files.Match(pattern, ""); err != nil {
			return nil, usage.Errorf("stream %s: exclude: %w", stream, err)
		}
		switch {
		case !strings.Contains(pattern, "/"):
			x.names = append(x.names, pattern)
		case IsObject(pattern), strings.HasPrefix(pattern, "**"), filepath.IsAbs(pattern):
			x.paths = append(x.paths, strings.TrimPrefix(pattern, s3Scheme))
		default:
			abs, err := filepath.Abs(pattern)
			if err != nil {
				return nil, fmt.Errorf("stream %s: exclude: %w", stream, err)
			}
			x.paths = append(x.paths, abs)
		}
	}
	return x, nil
}

// Excludes reports whether a pattern matches the absolute path of a file or of an object.
func (x *Excluder) Excludes(file string) bool {
	file = strings.TrimPrefix(file, s3Scheme)
	for _, pattern := range x.names {
		if ok, err := files.Match(pattern, path.Base(file)); ok && err == nil {
			return true
		}
	}
	for _, pattern := range x.paths {
		if ok, err := files.Match(pattern, file); ok && err == nil {
			return true
		}
	}
	return false
}
