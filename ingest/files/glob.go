package files

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bmatcuk/doublestar/v4"
)

// Match says whether the pattern of Find matches path: for file systems that hold a list of
// paths.
func Match(pattern, path string) (bool, error) {
	ok, err := doublestar.Match(filepath.Clean(pattern), filepath.Clean(path))
	if err != nil {
		return false, fmt.Errorf("pattern '%s': %w", pattern, err)
	}
	return ok, nil
}

// Glob reads the folders that the pattern needs, and no others.
func (osFS) Glob(pattern string) ([]string, error) {
	return globTree(pattern, func(base string) fs.FS { return tree{base, os.ReadDir} },
		doublestar.WithFailOnIOErrors())
}

func globTree(pattern string, open func(base string) fs.FS, opts ...doublestar.GlobOption) (
	[]string, error) {
	base, rest := doublestar.SplitPattern(filepath.Clean(pattern))
	found, err := doublestar.Glob(open(base), rest, opts...)
	if err != nil {
		return nil, fmt.Errorf("pattern '%s': %w", pattern, err)
	}
	for i, name := range found {
		found[i] = filepath.Join(base, name)
	}
	return found, nil
}

// tree is the folder base and all below it. Unlike os.DirFS it takes names that are not UTF-8, and
// a symbolic link to a folder that it lies in is no folder, so that `**` comes to an end.
type tree struct {
	base string
	list func(dir string) ([]fs.DirEntry, error)
}

var (
	_ fs.StatFS    = tree{}
	_ fs.ReadDirFS = tree{}
)

func (t tree) Open(name string) (fs.File, error) { return os.Open(t.path(name)) }

func (t tree) ReadDir(name string) ([]fs.DirEntry, error) { return t.list(t.path(name)) }

func (t tree) Stat(name string) (fs.FileInfo, error) {
	path := t.path(name)
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return info, err
	}
	link, err := os.Lstat(path)
	if err != nil || link.IsDir() {
		return info, err
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		above, err := os.Stat(dir)
		if err != nil {
			return nil, err
		}
		if os.SameFile(above, info) {
			return link, nil
		}
		if dir == t.base || dir == filepath.Dir(dir) {
			return info, nil
		}
	}
}

func (t tree) path(name string) string { return filepath.Join(t.base, name) }
