package durable

import (
	"errors"
	"path/filepath"
)

// Files is what WriteFile changes on disk: a seam for faults in tests.
type Files interface {
	// Create makes a file that does not exist yet, and opens it for writing.
	Create(path string) (File, error)
	// Rename moves a file; it replaces a file at to.
	Rename(from, to string) error
	// OpenDir opens a folder, so that its names can be made durable.
	OpenDir(path string) (Syncer, error)
}

// WriteFile writes b to the file path, by way of the file temp in the same folder.
//
//	open(temp, O_CREAT|O_EXCL)
//	write, fsync, close
//	rename(temp, path)
//	fsync(the folder of path)
//
// If the process dies before the rename, path is as it was, and temp may be left: its next writer removes
// it. After the rename path is whole; only its name is not durable until the last fsync. An error before
// the rename, a failed fsync of temp too, leaves path as it was; a *SyncError says that the last fsync
// failed.
func WriteFile(fsys Files, temp, path string, b []byte) error {
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(temp, path); err != nil {
		return err
	}
	return Sync(filepath.Dir(path), fsys.OpenDir)
}
