package offsets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// dirMode and fileMode keep what is sealed, and the lock, from everyone else.
	dirMode  = 0o700
	fileMode = 0o600
	// aboveMode is of missing folders above the state folder.
	aboveMode = 0o755
)

// makeDir makes dir and its parents where they are missing, durably. Only our own user may enter dir.
//
//	mkdir(dir)
//	fsync(parent)        of every folder made
func makeDir(dir string, mode fs.FileMode) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("there is a file of that name")}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent, aboveMode); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

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
