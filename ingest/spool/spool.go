package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"logseal/ingest/durable"
)

const (
	manifestName = "manifest.json"
	stagePrefix  = "tmp-"
)

// Entry is a complete batch.
type Entry struct {
	Name     string
	Manifest []byte
	Size     int64 // of all its files
}

// Spool is an open spool. All methods may be called concurrently, but one name by one goroutine.
type Spool struct {
	fs   FS
	dir  string
	room room

	mu     sync.Mutex // guards what follows
	broken bool       // the fsync of a folder failed: no further change
	stages int        // how many Stage made; numbers their folders
}

// Open opens the spool in dir, which it makes if there is none. Call Recover before anything else.
// limit is how many bytes Reserve lets it grow to, 0 for no limit.
func Open(dir string, limit int64) (*Spool, error) { return OpenFS(OS(dir), dir, limit) }

// OpenFS is Open on a file system of the caller's.
func OpenFS(fsys FS, dir string, limit int64) (*Spool, error) {
	if err := durable.MakeDir(fsys, dir); err != nil {
		return nil, wrap("make spool folder", dir, unusable(err))
	}
	return &Spool{fs: fsys, dir: dir, room: newRoom(limit)}, nil
}

// List returns the complete batches of the spool in dir, by name. It only reads, and may run
// beside the process that uses the spool. No folder is no batches.
func List(dir string) ([]Entry, error) {
	folders, err := readDirIn(dir, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list spool: %w", err)
	}
	var entries []Entry
	for _, f := range folders {
		if checkName(f.Name()) != nil {
			continue
		}
		e, ok, err := readEntry(dir, f.Name())
		if err != nil {
			return nil, fmt.Errorf("list spool: %w", err)
		}
		if ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// readEntry reads a batch; false when it is not complete, or goes while it is looked at.
func readEntry(dir, name string) (Entry, bool, error) {
	path := filepath.Join(dir, name)
	manifest, err := readFileIn(dir, filepath.Join(path, manifestName))
	var files []os.DirEntry
	if err == nil {
		files, err = readDirIn(dir, path)
	}
	e := Entry{Name: name, Manifest: manifest}
	for _, f := range files {
		var info fs.FileInfo
		if info, err = f.Info(); err != nil {
			break
		}
		e.Size += info.Size()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, false, nil
	}
	return e, err == nil, err
}

// Recover removes what a crash left half done and returns the complete batches, by name. It is
// called once, before the first Stage.
//
//	unlink(<dir>/tmp-*/*), rmdir(<dir>/tmp-*)     a Stage that never became a batch
//	see removeBatch                               a batch without a manifest
//	fsync(<dir>/<name>)                           every other batch
//
// The fsync is for a process killed between the last rename of Commit and its fsync: the caller
// will act on what it gets here, so it must be durable first. If we crash while removing, less
// rubbish is left for the next Recover. Anything else in the folder is not ours and stays.
func (s *Spool) Recover() ([]Entry, error) {
	if err := s.usable(); err != nil {
		return nil, fmt.Errorf("recover spool: %w", err)
	}
	folders, err := readDirIn(s.dir, s.dir)
	if err != nil {
		return nil, fmt.Errorf("recover spool: %w", err)
	}
	var entries []Entry
	for _, f := range folders {
		if !f.IsDir() || !isStage(f.Name()) && checkName(f.Name()) != nil {
			continue
		}
		e, ok, err := s.recover(f.Name())
		if err != nil {
			return nil, wrap("recover spool", s.dir, err)
		}
		if ok {
			entries = append(entries, e)
			s.room.add(e.Name, e.Size)
		}
	}
	return entries, nil
}

func (s *Spool) recover(name string) (Entry, bool, error) {
	path := filepath.Join(s.dir, name)
	if isStage(name) {
		return Entry{}, false, s.removeFolder(path)
	}
	e, ok, err := readEntry(s.dir, name)
	if err != nil {
		return e, false, err
	}
	if !ok {
		return e, false, s.removeBatch(path)
	}
	return e, true, s.syncDir(path)
}

func isStage(name string) bool {
	n, ok := strings.CutPrefix(name, stagePrefix)
	if !ok {
		return false
	}
	_, err := strconv.ParseUint(n, 10, 64)
	return err == nil
}

// List returns the complete batches, by name.
func (s *Spool) List() ([]Entry, error) { return List(s.dir) }

// Has reports whether there is a complete batch called name.
func (s *Spool) Has(name string) bool {
	_, err := statIn(s.dir, filepath.Join(s.dir, name, manifestName))
	return checkName(name) == nil && err == nil
}

// Manifest returns the manifest of a batch, or an error that is fs.ErrNotExist when there is none.
func (s *Spool) Manifest(name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	b, err := readFileIn(s.dir, filepath.Join(s.dir, name, manifestName))
	if err != nil {
		return nil, fmt.Errorf("read manifest in spool: %w", err)
	}
	return b, nil
}

// Open opens the i-th object of a batch, as Commit counted them, and gives its size. Without the
// object the error is fs.ErrNotExist.
func (s *Spool) Open(name string, i int) (*os.File, int64, error) {
	if err := checkName(name); err != nil {
		return nil, 0, err
	}
	f, err := openIn(s.dir, filepath.Join(s.dir, name, strconv.Itoa(i)))
	if err != nil {
		return nil, 0, fmt.Errorf("open object in spool: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("open object in spool: %w", err)
	}
	return f, info.Size(), nil
}

// Remove removes a batch. That there is none is no error. After an error the batch may be there
// whole, or be rubbish that the next Recover or Commit of that name removes.
func (s *Spool) Remove(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := s.usable(); err != nil {
		return fmt.Errorf("remove from spool: %w", err)
	}
	if err := s.removeBatch(filepath.Join(s.dir, name)); err != nil {
		return wrap("remove from spool", s.dir, err)
	}
	s.room.remove(name)
	return nil
}

// removeBatch removes a batch or what is left of one; none is no error.
//
//	unlink(<path>/manifest.json)
//	fsync(<path>)
//	unlink(<path>/*)
//	rmdir(<path>)
//
// If we crash before the fsync the batch is whole, or rubbish; after it the folder stays rubbish, so
// that a manifest never stands without its objects. Without a manifest too the fsync comes first:
// the unlink may be that of a process killed before its fsync. Rubbish that comes back after a
// power loss is removed by Recover, so the rest needs no fsync.
func (s *Spool) removeBatch(path string) error {
	err := s.fs.Remove(filepath.Join(path, manifestName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := statIn(s.dir, path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := s.syncDir(path); err != nil {
		return err
	}
	return s.removeFolder(path)
}

// removeFolder removes a folder of files; none is no error.
func (s *Spool) removeFolder(path string) error {
	files, err := readDirIn(s.dir, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		err := s.fs.Remove(filepath.Join(path, f.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.fs.Remove(path)
}

// syncDir makes the names in a folder durable; after a failed fsync the spool changes nothing more.
func (s *Spool) syncDir(path string) error {
	return s.final(durable.Sync(path, s.fs.OpenDir))
}

// final notes that err, if it is of a failed fsync, ends all changes.
func (s *Spool) final(err error) error {
	err = unusable(err)
	if errors.Is(err, ErrUnusable) {
		s.mu.Lock()
		s.broken = true
		s.mu.Unlock()
	}
	return err
}

func (s *Spool) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return ErrUnusable
	}
	return nil
}
