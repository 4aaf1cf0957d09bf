package main

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"logseal/ingest/files"
	"logseal/ingest/usage"
)

// excluder tells which paths the patterns of `exclude` leave out.
type excluder struct {
	names []string // of a file's name alone
	paths []string // of the whole path, or of a bucket and a key
}

// newExcluder checks the patterns of a stream.
func newExcluder(stream string, patterns []string) (*excluder, error) {
	x := &excluder{}
	for _, pattern := range patterns {
		if _, err := files.Match(pattern, ""); err != nil {
			return nil, usage.Errorf("stream %s: exclude: %w", stream, err)
		}
		switch {
		case !strings.Contains(pattern, "/"):
			x.names = append(x.names, pattern)
		case isObject(pattern), strings.HasPrefix(pattern, "**"), filepath.IsAbs(pattern):
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

// excludes tells whether the file or the object at an absolute path is left out.
func (x *excluder) excludes(file string) bool {
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
