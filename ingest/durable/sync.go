package durable

import (
	"errors"
	"io"
	"os"
)

// Syncer is an open file or folder. The bytes of a file, or the names in a folder, are durable once Sync
// returned nil.
type Syncer interface {
	Sync() error
	Close() error
}

// File is a file being written. Its bytes are durable once Sync returned nil.
type File interface {
	io.WriteCloser
	Sync() error
}

// SyncError says that an fsync failed, or the close after it: nobody knows what is durable.
type SyncError struct {
	Path string // of what was fsynced
	Err  error
}

// Error gives the cause, which names the path.
func (e *SyncError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SyncError) Unwrap() error { return e.Err }

// Sync makes durable what is at path: the names in a folder, or the bytes of a file that another process
// wrote. open opens it.
//
//	open(path)
//	fsync
//	close
//
// An error of open is returned as it is; any other error is a *SyncError.
func Sync[S Syncer](path string, open func(path string) (S, error)) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return &SyncError{Path: path, Err: err}
	}
	return nil
}

// SyncDir makes the names in the folder dir durable. See Sync.
func SyncDir(dir string) error { return Sync(dir, os.Open) }
