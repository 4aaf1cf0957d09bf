package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"logseal/ingest/files"
	"logseal/ingest/sink/s3"
)

// find gives the absolute paths of a selection's files and the paths of its objects, sorted. Files
// of Logseal's own are left out, and so is what `exclude` says of the files of the config. A pattern of the command line that names no file is a usage error;
// one of the config is a warning.
func (s *selection) find(a *app, fsys *logs, owns func(path string) bool) ([]string, error) {
	if len(s.patterns) == 0 {
		return nil, usagef("no files: give a PATH, or stream %s `paths` in the config", s.Name)
	}
	var local, objects []string
	for _, p := range s.patterns {
		switch {
		case p == "":
			return nil, usagef("an empty PATH: want a file or a pattern")
		case isObject(p):
			p, err := fsys.locate(p)
			if err != nil {
				return nil, err
			}
			objects = append(objects, p)
		default:
			local = append(local, p)
		}
	}
	out, err := s.excluder()
	if err != nil {
		return nil, err
	}
	paths, err := s.findFiles(fsys, local, owns)
	if err := s.findError(a, err); err != nil {
		return nil, err
	}
	more, err := s.findObjects(fsys, objects)
	if err := s.findError(a, err); err != nil {
		return nil, err
	}
	paths = append(paths, more...)
	if !s.named {
		paths = slices.DeleteFunc(paths, out.excludes)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func (s *selection) findFiles(
	fsys *logs, patterns []string, owns func(path string) bool,
) ([]string, error) {
	if len(patterns) == 0 {
		return nil, nil
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
	for _, p := range patterns {
		if _, err := fsys.Stat(p); err == nil && s.named && owned(p) {
			return nil, ownError(p)
		}
	}
	paths, err := files.Find(fsys, patterns, owned)
	for i, p := range paths {
		paths[i] = absolute(p)
	}
	return paths, err
}

// findObjects is as files.Find, but a path is taken as it stands: in a key `a//b` is not `a/b`.
func (s *selection) findObjects(fsys *logs, patterns []string) ([]string, error) {
	var all, none []string
	for _, p := range patterns {
		found, err := findObject(fsys, p)
		if err != nil {
			return nil, err
		}
		if s.named && slices.Contains(found, p) && fsys.inSink(p) {
			return nil, ownError(p)
		}
		found = slices.DeleteFunc(found, fsys.inSink)
		if len(found) == 0 {
			none = append(none, p)
		}
		all = append(all, found...)
	}
	if len(none) > 0 {
		return all, &files.NoMatchError{Patterns: none}
	}
	return all, nil
}

func findObject(fsys *logs, pattern string) ([]string, error) {
	if strings.ContainsAny(pattern, wildcards) {
		found, err := fsys.Glob(pattern)
		if slices.Contains(found, pattern) {
			return []string{pattern}, err
		}
		return found, err
	}
	switch _, err := fsys.Stat(pattern); {
	case err == nil:
		return []string{pattern}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fsys.checkFolder(pattern)
	case s3.Code(err) == accessDenied:
		return []string{pattern}, nil // reading it tells whether that is its own fault
	default:
		return nil, err
	}
}

func ownError(path string) error {
	return usagef("%s lies in the sink or the state folder, which are never loaded", path)
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
