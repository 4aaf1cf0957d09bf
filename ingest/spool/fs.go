package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"logseal/ingest/durable"
)

// FS is what the spool changes on disk, so that a test can fail or stop it at any of these calls.
// Reading goes to the operating system.
type FS interface {
	durable.Folders
	durable.Files // Rename moves folders too; it does not replace a folder that holds anything
	// Remove removes a file or an empty folder.
	Remove(path string) error
}

const (
	// dirMode and fileMode keep what waits to be shipped from everyone else.
	dirMode  = 0o700
	fileMode = 0o600
)

// OS is the operating system's file system, for the spool in dir. No link in the spool leads out of
// it; dir itself may be one.
func OS(dir string) FS { return osFS{dir} }

type osFS struct{ dir string }

var _ FS = osFS{}

func (o osFS) Mkdir(path string) error {
	if !o.holds(path) {
		return os.Mkdir(path, dirMode)
	}
	return inRoot(o.dir, path, func(root *os.Root, name string) error {
		return root.Mkdir(name, dirMode)
	})
}

func (o osFS) Create(path string) (f durable.File, err error) {
	err = inRoot(o.dir, path, func(root *os.Root, name string) (err error) {
		f, err = root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
		return err
	})
	return f, err
}

func (o osFS) Rename(from, to string) error {
	return inRoot(o.dir, from, func(root *os.Root, name string) error {
		other, err := filepath.Rel(o.dir, to)
		if err != nil {
			return err
		}
		return root.Rename(name, other)
	})
}

func (o osFS) Remove(path string) error {
	return inRoot(o.dir, path, func(root *os.Root, name string) error { return root.Remove(name) })
}

func (o osFS) OpenDir(path string) (durable.Syncer, error) { return o.open(path) }

func (o osFS) open(path string) (f *os.File, err error) {
	if !o.holds(path) {
		return os.Open(path)
	}
	return openIn(o.dir, path)
}

// holds reports whether path is below the spool's folder.
func (o osFS) holds(path string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(o.dir, "/")+"/")
}

// inRoot has do work on path, which is dir or below it, without leaving dir.
func inRoot(dir, path string, do func(root *os.Root, name string) error) error {
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	err = do(root, name)
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		e.Path = path // a message is to have all of it
	}
	return err
}

// openIn opens path, which is dir or below it, for reading.
func openIn(dir, path string) (f *os.File, err error) {
	err = inRoot(dir, path, func(root *os.Root, name string) (err error) {
		f, err = root.Open(name)
		return err
	})
	return f, err
}

// readDirIn lists the folder path, by name.
func readDirIn(dir, path string) ([]os.DirEntry, error) {
	f, err := openIn(dir, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// readFileIn reads the file at path.
func readFileIn(dir, path string) ([]byte, error) {
	f, err := openIn(dir, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// statIn describes what is at path.
func statIn(dir, path string) (info os.FileInfo, err error) {
	err = inRoot(dir, path, func(root *os.Root, name string) (err error) {
		info, err = root.Stat(name)
		return err
	})
	return info, err
}

// wrap says what was being done, and makes a full disk a *FullError.
func wrap(what, path string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = &FullError{Path: path, Err: err}
	}
	return fmt.Errorf("%s: %w", what, err)
}
