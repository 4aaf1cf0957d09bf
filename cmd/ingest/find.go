package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"logseal/ingest/files"
)

// find gives the absolute paths of a selection's files, sorted. Files of Logseal's own are left
// out. A pattern of the command line that names no file is a usage error; one of the config is a
// warning.
func (s *selection) find(a *app, fsys files.FS, owns func(path string) bool) ([]string, error) {
	if len(s.patterns) == 0 {
		return nil, usagef("no files: give a PATH, or stream %s `paths` in the config", s.Name)
	}
	wd, err := filepath.Abs(".")
	if err != nil {
		return nil, fmt.Errorf("find files: %w", err)
	}
	absolute := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(wd, path)
	}
	owned := func(path string) bool { return owns(absolute(path)) }
	for _, p := range s.patterns {
		if p == "" {
			return nil, usagef("an empty PATH: want a file or a pattern")
		}
		if _, err := fsys.Stat(p); err == nil && s.named && owned(p) {
			return nil, usagef("%s lies in the sink or the state folder, which are never loaded", p)
		}
	}
	paths, err := files.Find(fsys, s.patterns, owned)
	if err := s.findError(a, err); err != nil {
		return nil, err
	}
	for i, p := range paths {
		paths[i] = absolute(p)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// findError decides what an error of files.Find means here.
func (s *selection) findError(a *app, err error) error {
	none, empty := errors.AsType[*files.NoMatchError](err)
	switch {
	case empty && s.named:
		return usagef("%w; quote patterns, and use ** for any depth of folders", none)
	case empty:
		a.warn("stream %s: %v", s.Name, none)
		return nil
	case errors.As(err, new(*files.NotRegularError)):
		return usagef("%w", err)
	}
	return err
}
