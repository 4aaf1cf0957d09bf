// Package dir is the sink.Store that is a folder.
//
// Invariants:
//
//   - An object appears whole under its name, by link(2), or not at all; a name that exists is
//     never touched. So of any number of writers, on any number of machines that share the file
//     system, one wins a name.
//   - A put is acknowledged when the file, its name and the name of every folder above it up to
//     the root have been fsynced, also when the object was there already.
//   - Only the folders of sink.Roots, logseal.json and .tmp/<own writer id> are touched. What is
//     being written lies in .tmp under names that no reader takes for an object.
//
// The file system must have hard links and an fsync that means it.
package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"logseal/ingest/sink"
)

const (
	// Temp is the folder in the root where writers keep what is not an object yet.
	Temp = ".tmp"

	dirMode  = 0o755
	fileMode = 0o644
)

// Store is a folder of objects. It is made by New or NewReader.
type Store struct {
	root string // absolute, links resolved
	tmp  string // where this writer's files are written; empty: it only reads and deletes
	seq  atomic.Uint64

	// durable holds the folders whose own name is known to have been fsynced. Those that were
	// there at the start are not in it: their maker may have been killed before its fsync. mu is
	// held while folders are made and fsynced, so that no put goes past a folder that another
	// put has made and not yet fsynced.
	mu      sync.Mutex
	durable map[string]bool

	// broken is a failed fsync of something that has its final name. It is final: the kernel
	// may have dropped what it could not write and report success the next time.
	broken atomic.Pointer[UnusableError]

	fsync func(*os.File) error
}

var _ sink.Store = (*Store)(nil)

// New opens the folder root for the writer writerID and makes it when it is not there. What an
// earlier run of the same writer left unfinished is removed, so no two running writers may share
// an id.
func New(root, writerID string) (*Store, error) {
	if err := checkWriter(writerID); err != nil {
		return nil, err
	}
	s, err := open(root)
	if err != nil {
		return nil, err
	}
	s.tmp = filepath.Join(s.root, Temp, writerID)
	if err := s.makeRoot(); err != nil {
		return nil, fmt.Errorf("open sink %s: %w", s.root, err)
	}
	if err := s.clearTmp(); err != nil {
		return nil, fmt.Errorf("clear %s: %w", s.tmp, err)
	}
	return s, nil
}

// NewReader opens the folder root for reading and Delete; it and the store it gives create
// nothing. The error is fs.ErrNotExist when there is no such folder.
func NewReader(root string) (*Store, error) {
	s, err := open(root)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(s.root)
	if err == nil && !st.IsDir() {
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return nil, fmt.Errorf("open sink %s: %w", s.root, err)
	}
	return s, nil
}

func open(root string) (*Store, error) {
	name, err := Name(root)
	if err != nil {
		return nil, err
	}
	return &Store{root: name, durable: map[string]bool{}, fsync: (*os.File).Sync}, nil
}

// Name is the identity of the folder root as a sink: its absolute path with links resolved, as
// far as it exists. It is what the Name method of a store there returns.
func Name(root string) (string, error) {
	path, err := filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("name sink %s: %w", root, err)
	}
	rest := ""
	for {
		resolved, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(resolved, rest), nil
		}
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			return "", fmt.Errorf("name sink %s: %w", root, err)
		}
		path, rest = parent, filepath.Join(filepath.Base(path), rest)
	}
}

// Name implements sink.Store: the folder's absolute path with links resolved.
func (s *Store) Name() string { return s.root }

func (s *Store) path(key string) string { return filepath.Join(s.root, filepath.FromSlash(key)) }

// checkWriter returns an error unless id can be the name of a folder.
func checkWriter(id string) error {
	if err := sink.CheckKey("data/" + id); err != nil || filepath.Base(id) != id {
		return fmt.Errorf("writer id %q: want letters, digits, '.', '_' and '-'", id)
	}
	return nil
}

// clearTmp makes this writer's own temporary folder and empties it. A file in it is either not
// linked, and then nobody has seen it, or a second name of an object, which stays.
//
//	mkdir   <root>/.tmp/<writer id>
//	unlink  <root>/.tmp/<writer id>/<n>       each
func (s *Store) clearTmp() error {
	if err := os.MkdirAll(s.tmp, dirMode); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.tmp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(s.tmp, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
