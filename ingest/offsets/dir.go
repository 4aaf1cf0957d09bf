package offsets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"logseal/ingest/durable"
)

const (
	// dirMode and fileMode keep what is sealed, and the lock, from everyone else.
	dirMode  = 0o700
	fileMode = 0o600
	// aboveMode is of missing folders above the state folder.
	aboveMode = 0o755
)

// folders makes the folder state, which only our own user may enter, and the folders above it.
type folders struct{ state string }

var _ durable.Folders = folders{}

func (f folders) Mkdir(path string) error {
	if path == f.state {
		return os.Mkdir(path, dirMode)
	}
	return os.Mkdir(path, aboveMode)
}

func (f folders) OpenDir(path string) (durable.Syncer, error) { return os.Open(path) }

// openIn opens the file called name in the folder dir. Links are not followed, neither out of dir nor
// within it: whoever could put one there would choose the file that we write to. A file that others
// may open is closed to them.
func openIn(dir, name string, flag int) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := regularIn(root, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := root.OpenFile(name, flag, fileMode)
	if err != nil || flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return f, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().Perm()&^fileMode != 0 {
		// A file system without modes, or another's file that we are trusted with, stays as it is.
		if err = f.Chmod(fileMode); errors.Is(err, fs.ErrPermission) {
			err = nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// regularIn returns an error unless name is a regular file in root.
func regularIn(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &notRegularError{filepath.Join(root.Name(), name)}
	}
	return nil
}

// notRegularError says that something else is where a file of ours should be.
type notRegularError struct{ path string }

func (e *notRegularError) Error() string {
	return fmt.Sprintf("%s is no regular file: find out who put it there, and remove it", e.path)
}
