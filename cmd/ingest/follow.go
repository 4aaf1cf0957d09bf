package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"logseal/ingest/files"
)

// follower finds the files of one stream that are followed. One goroutine uses it.
type follower struct {
	patterns []string // absolute
	at       *site
	finder   *files.Finder
	own      func(path string) bool // of the look that is under way
}

// follower checks the stream's patterns; nothing is looked for.
func (s *StreamConfig) follower(fsys files.FS, at *site) (*follower, error) {
	if len(s.Paths) == 0 {
		return nil, usagef("stream %s: no files: give it `paths`", s.Name)
	}
	out, err := s.excluder()
	if err != nil {
		return nil, err
	}
	f := &follower{at: at}
	for _, p := range s.Paths {
		if isObject(p) {
			return nil, usagef("stream %s: %s is an object: `tail` follows files; `load` reads objects",
				s.Name, p)
		}
		if _, err := files.Match(p, ""); err != nil {
			return nil, usagef("stream %s: paths: %w", s.Name, err)
		}
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, usagef("stream %s: paths: %w", s.Name, err)
		}
		f.patterns = append(f.patterns, abs)
	}
	f.finder = files.NewFinder(fsys, f.patterns, func(path string) bool {
		return out.excludes(path) || f.own(path)
	})
	return f, nil
}

// find gives the absolute paths of the files that there are now, sorted. A pattern that names no
// file is no mistake: it may name one later. When something cannot be read it gives what else there
// is, and the error.
func (f *follower) find() ([]string, error) {
	f.own = f.at.owner()
	found, unread, err := f.finder.Find()
	paths := make([]string, 0, len(found))
	for _, x := range found {
		paths = append(paths, x.Path)
	}
	errs := []error{err}
	for _, x := range unread {
		errs = append(errs, x.Err)
	}
	return paths, errors.Join(errs...)
}

// folders gives those in which files may appear, after a find. What we write ourselves is no reason
// to look.
func (f *follower) folders() []string {
	own := f.at.owner()
	return slices.DeleteFunc(f.finder.Dirs(), func(dir string) bool {
		return own(filepath.Join(dir, "any"))
	})
}

// owner gives a function that tells, as owns does, whether the file at an absolute path is one of
// Logseal's. It resolves each folder once, so it is for one look at many files: a folder's links may
// be others the next time.
func (s *site) owner() func(path string) bool {
	folders := map[string]string{}
	return func(path string) bool {
		if st, err := os.Lstat(path); err == nil && st.Mode()&fs.ModeSymlink != 0 {
			return s.owns(path)
		}
		folder, name := filepath.Split(path)
		resolved, ok := folders[folder]
		if !ok {
			var err error
			if resolved, err = filepath.EvalSymlinks(folder); err != nil {
				return s.owns(path)
			}
			folders[folder] = resolved
		}
		return s.ownsResolved(filepath.Join(resolved, name))
	}
}
