package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

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

// globMost bounds how many entries of folders a Glob looks at: more files than any heap has.
const globMost = 20_000_000

// errManyEntries says that there are more files and folders than are looked at.
var errManyEntries = errors.New("there are more files and folders than are looked at: narrow the pattern")

// Glob reads the folders that the pattern needs, and no others. A link that is not followed is as
// good as not there, and Refused names it.
func (d *Disk) Glob(pattern string) ([]string, error) {
	left := globMost
	list := func(base, dir string) ([]fs.DirEntry, error) {
		if err := d.ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := d.readDir(dir, left)
		if err != nil {
			return nil, passOver(err)
		}
		left -= len(entries)
		if isDeep(pattern) {
			for _, e := range d.linkedFolders(base, dir, entries) {
				_ = d.refuse(e)
			}
		}
		return entries, nil
	}
	return globTree(pattern, func(base string) fs.FS {
		return tree{d, base, func(dir string) ([]fs.DirEntry, error) { return list(base, dir) }}
	}, doublestar.WithFailOnIOErrors())
}

// passOver makes a link that is not followed one that leads nowhere.
func passOver(err error) error {
	if errors.As(err, new(*LinkError)) {
		return fs.ErrNotExist
	}
	return err
}

// isDeep reports whether a pattern goes through any number of folders.
func isDeep(pattern string) bool { return strings.Contains(pattern, "**") }

// linkedFolders are the links to folders among the entries of dir, but for those to what is below
// base, where the files are found without them.
func (d *Disk) linkedFolders(base, dir string, entries []fs.DirEntry) (all []*LinkError) {
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		link := filepath.Join(dir, e.Name())
		w := walker{path: link, all: true}
		s, err := w.to()
		if err != nil {
			continue // it leads nowhere
		}
		if s.isDir() && !isBelow(link, base) {
			all = append(all, &LinkError{Path: link, Link: link, Walk: true})
		}
		s.close()
	}
	return all
}

// isBelow reports whether a link leads to base or below it.
func isBelow(link, base string) bool {
	to, err := filepath.EvalSymlinks(link)
	from, err2 := filepath.EvalSymlinks(base)
	if err != nil || err2 != nil {
		return false
	}
	rest, err := filepath.Rel(from, to)
	return err == nil && rest != ".." && !strings.HasPrefix(rest, "../")
}

func globTree(pattern string, open func(base string) fs.FS, opts ...doublestar.GlobOption) (
	[]string, error) {
	base, rest := doublestar.SplitPattern(filepath.Clean(pattern))
	if isDeep(rest) {
		opts = append(opts, doublestar.WithNoFollow())
	}
	found, err := doublestar.Glob(open(base), rest, opts...)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("pattern '%s': %w", pattern, err)
	}
	for i, name := range found {
		found[i] = filepath.Join(base, name)
	}
	return found, nil
}

// tree is the folder base and all below it. Unlike os.DirFS it takes names that are not UTF-8.
type tree struct {
	disk *Disk
	base string
	list func(dir string) ([]fs.DirEntry, error)
}

var (
	_ fs.StatFS    = tree{}
	_ fs.ReadDirFS = tree{}
)

// Open implements fs.FS; nothing asks for it.
func (t tree) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}

func (t tree) ReadDir(name string) ([]fs.DirEntry, error) { return t.list(t.path(name)) }

func (t tree) Stat(name string) (fs.FileInfo, error) {
	info, err := t.stat(name)
	return info, passOver(err)
}

func (t tree) stat(name string) (fs.FileInfo, error) {
	s, err := t.disk.walk("stat", t.path(name), 0)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return treeInfo{filepath.Base(name), s.isDir()}, nil
}

func (t tree) path(name string) string { return filepath.Join(t.base, name) }

// treeInfo is what a pattern wants to know of a path: whether it goes on there.
type treeInfo struct {
	name string
	dir  bool
}

func (i treeInfo) Name() string       { return i.name }
func (i treeInfo) Size() int64        { return 0 }
func (i treeInfo) ModTime() time.Time { return time.Time{} }
func (i treeInfo) IsDir() bool        { return i.dir }
func (i treeInfo) Sys() any           { return nil }
func (i treeInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir
	}
	return 0
}
