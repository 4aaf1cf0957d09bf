package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"logseal/ingest/sink"
)

// path is where the object key is.
func (s *Store) path(key string) string { return filepath.Join(s.root, filepath.FromSlash(key)) }

// inside tells whether path lies below the root.
func (s *Store) inside(path string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(s.root, "/")+"/")
}

// base is the folder that no link on the way to path leads out of: the one of sink.Roots that path is
// or lies below, else the root. name is the rest of the way.
func (s *Store) base(path string) (dir, name string) {
	rest := path[len(strings.TrimSuffix(s.root, "/"))+1:]
	first, rest, below := strings.Cut(rest, "/")
	if !below {
		return s.root, first
	}
	return filepath.Join(s.root, first), rest
}

// in has do work on path, which is inside, without leaving its base.
func (s *Store) in(path string, do func(root *os.Root, name string) error) error {
	dir, name := s.base(path)
	root, err := os.OpenRoot(dir)
	if err != nil {
		if info, serr := os.Stat(dir); serr == nil && !info.IsDir() {
			// OpenRoot says it in words of its own.
			err = &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
		}
		return err
	}
	defer root.Close()
	err = do(root, name)
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		e.Path = path // a message is to have all of it
	}
	return err
}

// isBase tells whether path is a folder that may be a link: the root, one above it, or one right in
// it.
func (s *Store) isBase(path string) bool {
	return !s.inside(path) || filepath.Dir(path) == s.root && filepath.Base(path) != sink.RootObject()
}

// open opens what is at path for reading.
func (s *Store) open(path string) (f *os.File, err error) {
	if s.isBase(path) {
		return os.Open(path)
	}
	err = s.in(path, func(root *os.Root, name string) (err error) {
		f, err = root.Open(name)
		return err
	})
	return f, err
}

// stat describes what is at path.
func (s *Store) stat(path string) (info fs.FileInfo, err error) {
	if s.isBase(path) {
		return os.Stat(path)
	}
	err = s.in(path, func(root *os.Root, name string) (err error) {
		info, err = root.Stat(name)
		return err
	})
	return info, err
}

// lstat is stat of a link itself.
func (s *Store) lstat(path string) (info fs.FileInfo, err error) {
	err = s.in(path, func(root *os.Root, name string) (err error) {
		info, err = root.Lstat(name)
		return err
	})
	return info, err
}

// mkdir makes a folder of the sink, or one above it.
func (s *Store) mkdir(path string) error {
	switch {
	case path == s.root:
		return os.Mkdir(path, s.dirMode())
	case !s.inside(path):
		return os.Mkdir(path, aboveMode)
	}
	return s.in(path, func(root *os.Root, name string) error { return root.Mkdir(name, s.dirMode()) })
}

// dirMode is of folders: who may read objects may find them.
func (s *Store) dirMode() fs.FileMode { return s.mode | s.mode&0o444>>2 }
