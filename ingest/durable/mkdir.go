package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Folders is what MakeDir changes on disk: a seam for faults in tests, and for the modes of the folders.
type Folders interface {
	// Mkdir makes a folder whose parent exists.
	Mkdir(path string) error
	// OpenDir opens a folder, so that its names can be made durable.
	OpenDir(path string) (Syncer, error)
}

// MakeDir makes the folder dir and its parents, as far as they are missing.
//
//	stat(dir)            a folder: nothing else happens
//	mkdir(dir)           its parents first; EEXIST is fine
//	fsync(parent)        of every folder made
//
// If the process dies after an mkdir, the folder exists and may go with a power loss; the callers put
// nothing into it before MakeDir returned nil. The errors are those of Sync and of the calls above; a file
// in the place of dir is an *fs.PathError.
func MakeDir(fsys Folders, dir string) error {
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
	if err := MakeDir(fsys, parent); err != nil {
		return err
	}
	if err := fsys.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return Sync(parent, fsys.OpenDir)
}
