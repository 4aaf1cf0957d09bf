package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"logseal/ingest/durable"
)

// makeRoot makes the root and what is missing above it.
func (s *Store) makeRoot() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, err := os.Stat(s.dir.root); err == nil && st.IsDir() {
		// It may be a mount point or lie in a folder that we may not read, so nothing above it
		// is ours to fsync. A root that a killed run made is as old as its .tmp: it is not trusted
		// and fsynced as far as we can.
		if err := s.syncPath(filepath.Dir(s.dir.root)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		s.durable[s.dir.root] = true
		return nil
	}
	return s.ensure(s.dir.root)
}

// ensure makes folder and those above it and sees to it that their names are durable. The caller
// holds mu.
//
//	mkdir  <folder>               EEXIST is fine
//	fsync  <the folder it is in>  once in the life of the store
//
// If we crash after a mkdir, the folder is there and may go with a power loss: nothing in it has
// been acknowledged, and the next writer fsyncs it again.
func (s *Store) ensure(folder string) error {
	if s.durable[folder] {
		return nil
	}
	parent := filepath.Dir(folder)
	if _, err := os.Lstat(parent); parent != folder && (s.dir.inside(folder) || err != nil) {
		if err := s.ensure(parent); err != nil {
			return err
		}
	}
	if err := s.dir.mkdir(folder); err != nil {
		st, serr := s.dir.stat(folder)
		if !errors.Is(err, fs.ErrExist) || serr != nil || !st.IsDir() {
			return err
		}
	}
	if err := s.syncPath(parent); err != nil {
		return err
	}
	s.durable[folder] = true
	return nil
}

// ensureFolder is ensure for one put.
func (s *Store) ensureFolder(folder string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ensure(folder)
}

// forgetFolders makes the store look at every folder again, after one has vanished under it.
func (s *Store) forgetFolders() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.durable)
	s.durable[s.dir.root] = true
}

// syncPath fsyncs a folder or a file that has its final name. A failed fsync breaks the store,
// see UnusableError; that it cannot be opened does not.
func (s *Store) syncPath(path string) error {
	if err := s.broken.Load(); err != nil {
		return err
	}
	err := durable.Sync(path, s.openSynced)
	if failed := (*durable.SyncError)(nil); errors.As(err, &failed) {
		s.broken.CompareAndSwap(nil, &UnusableError{Path: path, Cause: failed.Error()})
		return s.broken.Load()
	}
	return err
}

// openSynced opens what is at path, to fsync it.
func (s *Store) openSynced(path string) (synced, error) {
	f, err := s.dir.open(path)
	return synced{f, s.fsync}, err
}

// synced is an open file or folder with the fsync of its store.
type synced struct {
	*os.File
	fsync func(*os.File) error
}

// Sync calls the store's fsync.
func (f synced) Sync() error { return f.fsync(f.File) }
