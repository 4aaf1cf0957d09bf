package config

import (
	"os"
	"path/filepath"
	"strings"

	"logseal/ingest/input"
	"logseal/ingest/location"
)

// configFolder is the folder of a config, as a path that can be joined with others; empty for the
// working folder. Standard input and pipes have no folder.
func configFolder(file string) string {
	folder := filepath.Dir(file)
	st, err := os.Stat(file)
	if folder == "." || strings.HasPrefix(file, "/dev/") || err == nil && !st.Mode().IsRegular() {
		return ""
	}
	return folder
}

// inFolder gives a path that stands in a config of a folder.
func inFolder(folder, path string) string {
	if folder == "" || filepath.IsAbs(path) || strings.Contains(path, "://") {
		return path
	}
	return filepath.Join(folder, path)
}

// patternInFolder is inFolder for a pattern of files; the folder is no part of the pattern.
func patternInFolder(folder, pattern string) string {
	return inFolder(input.Escape(folder), pattern)
}

// intoPath gives a function that reads a path, or a URL, into dst.
func (d *decoder) intoPath(dst *string) func(*node) {
	return func(n *node) {
		d.intoText(dst)(n)
		if *dst == "" {
			return
		}
		if err := location.CheckSlashes(*dst); err != nil {
			d.failValue(n, "%w", err)
		}
		*dst = inFolder(d.folder, *dst)
	}
}

// paths reads patterns of files.
func (d *decoder) paths(n *node) []string {
	paths := d.patterns(n)
	for i, p := range paths {
		if err := location.CheckSlashes(p); err != nil {
			d.failValue(n, "%w", err)
		}
		paths[i] = patternInFolder(d.folder, p)
	}
	return paths
}

// excludes reads patterns of files that are left out. One without a slash is of a name alone, and one
// that begins with ** of any folder.
func (d *decoder) excludes(n *node) []string {
	paths := d.patterns(n)
	for i, p := range paths {
		if strings.Contains(p, "/") && !strings.HasPrefix(p, "**") {
			paths[i] = patternInFolder(d.folder, p)
		}
	}
	return paths
}
