package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"logseal/ingest/sink"
)

// rootDir reaches what lies in a folder by its path. No link leads it out.
type rootDir struct {
	root string      // absolute, links resolved
	mode fs.FileMode // of objects
}

// path is where the object key is.
func (d *rootDir) path(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

// inside reports whether path lies below the root.
func (d *rootDir) inside(path string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(d.root, "/")+"/")
}

// base is the folder that no link on the way to path leads out of: the one of sink.Roots that path is
// or lies below, else the root. name is the rest of the way.
func (d *rootDir) base(path string) (dir, name string) {
	rest := path[len(strings.TrimSuffix(d.root, "/"))+1:]
	first, rest, below := strings.Cut(rest, "/")
	if !below {
		return d.root, first
	}
	return filepath.Join(d.root, first), rest
}

// in has do work on path, which is inside, without leaving its base.
func (d *rootDir) in(path string, do func(root *os.Root, name string) error) error {
	dir, name := d.base(path)
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

// isBase reports whether path is a folder that may be a link: the root, one above it, or one right in
// it.
func (d *rootDir) isBase(path string) bool {
	return !d.inside(path) || filepath.Dir(path) == d.root && filepath.Base(path) != sink.RootObject()
}

// open opens what is at path for reading.
func (d *rootDir) open(path string) (f *os.File, err error) {
	if d.isBase(path) {
		return os.Open(path)
	}
	err = d.in(path, func(root *os.Root, name string) (err error) {
		f, err = root.Open(name)
		return err
	})
	return f, err
}

// stat describes what is at path.
func (d *rootDir) stat(path string) (info fs.FileInfo, err error) {
	if d.isBase(path) {
		return os.Stat(path)
	}
	err = d.in(path, func(root *os.Root, name string) (err error) {
		info, err = root.Stat(name)
		return err
	})
	return info, err
}

// lstat is stat of a link itself.
func (d *rootDir) lstat(path string) (info fs.FileInfo, err error) {
	err = d.in(path, func(root *os.Root, name string) (err error) {
		info, err = root.Lstat(name)
		return err
	})
	return info, err
}

// mkdir makes a folder of the sink, or one above it.
func (d *rootDir) mkdir(path string) error {
	switch {
	case path == d.root:
		return os.Mkdir(path, d.dirMode())
	case !d.inside(path):
		return os.Mkdir(path, aboveMode)
	}
	return d.in(path, func(root *os.Root, name string) error { return root.Mkdir(name, d.dirMode()) })
}

// dirMode is of folders: who may read objects may find them.
func (d *rootDir) dirMode() fs.FileMode { return d.mode | d.mode&0o444>>2 }

// unlink removes the file at path, and no folder.
func (d *rootDir) unlink(path string) error {
	folder, err := d.open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	err = unix.Unlinkat(int(folder.Fd()), filepath.Base(path), 0)
	if err != nil {
		return &fs.PathError{Op: "unlink", Path: path, Err: err}
	}
	return nil
}

// readDir gives the entries of the folder at path, in no order.
func (d *rootDir) readDir(path string) ([]fs.DirEntry, error) {
	f, err := d.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}
