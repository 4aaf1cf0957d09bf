// Package dir is the sink.Store in a folder.
//
// Invariants:
//
//   - An object appears whole under its name, by link(2), or not at all; an existing name is never changed.
//     So if several writers put one name, on any number of machines that share the file system, one wins.
//   - Put acknowledges an object when the file, its name and the names of all folders above it up to the
//     root have been fsynced, also when the object was there already.
//   - The store touches only the folders of sink.Roots, logseal.json and .tmp/<own writer id>. An object
//     that is being written lies in .tmp, under a name that no reader takes for an object.
//   - No link leads out of these folders (os.Root), and no link in .tmp is followed. A folder of sink.Roots
//     may itself be a link, to another place on the same file system.
//
// The file system must have hard links, and an fsync after which the bytes survive power loss. The package
// does not repeat failed calls.
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

	// DefaultMode is of objects, unless another is given: whoever may read the sink is of its group.
	DefaultMode fs.FileMode = 0o640

	// aboveMode is of missing folders above the root.
	aboveMode = 0o755
	// tmpMode is of this writer's folder in Temp: nobody else has any business there.
	tmpMode = 0o700
)

// Store is a folder of objects. It is made by New or NewReader.
type Store struct {
	dir    rootDir
	writer string // whose folder in Temp it writes to; empty: it only reads and deletes
	seq    atomic.Uint64

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

// New opens the folder root for the writer writerID and makes it when it is not there. Objects get
// mode, as far as the umask lets them, and folders the same with leave to enter for who may read. What
// an earlier run of the same writer left unfinished is removed, so no two running writers may share
// an id.
func New(root, writerID string, mode fs.FileMode) (*Store, error) {
	if err := checkWriter(writerID); err != nil {
		return nil, err
	}
	s, err := open(root)
	if err != nil {
		return nil, err
	}
	s.writer, s.dir.mode = writerID, mode
	if err := s.makeRoot(); err != nil {
		return nil, fmt.Errorf("open sink %s: %w", s.dir.root, err)
	}
	if err := s.clearTmp(); err != nil {
		return nil, fmt.Errorf("clear %s: %w", s.tmp(), err)
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
	st, err := os.Stat(s.dir.root)
	if err == nil && !st.IsDir() {
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return nil, fmt.Errorf("open sink %s: %w", s.dir.root, err)
	}
	return s, nil
}

func open(root string) (*Store, error) {
	name, err := Name(root)
	if err != nil {
		return nil, err
	}
	return &Store{dir: rootDir{root: name}, durable: map[string]bool{}, fsync: (*os.File).Sync}, nil
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
func (s *Store) Name() string { return s.dir.root }

// checkWriter returns an error unless id can be the name of a folder.
func checkWriter(id string) error {
	if err := sink.CheckKey("data/" + id); err != nil || filepath.Base(id) != id {
		return fmt.Errorf("writer id %q: want letters, digits, '.', '_' and '-'", id)
	}
	return nil
}
