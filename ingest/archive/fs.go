package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"logseal/ingest/files"
)

// FS is a file system whose archives are folders, too. Its methods may be called concurrently.
type FS struct {
	files.FS

	mu   sync.Mutex            // guards what follows
	dirs map[string]*directory // by the archive's path
	kept int                   // how many members those have
}

// keptMost is how many members of archives are remembered before all are forgotten: what is asked for again is
// listed again.
const keptMost = 2 * membersMost

// ErrEmpty says that nothing in an archive can be read as a log.
var ErrEmpty = errors.New("it is an archive without a file")

// New gives the files of another file system, and the members of its archives.
func New(of files.FS) *FS { return &FS{FS: of, dirs: map[string]*directory{}} }

// Members lists the paths of what a file holds if that is an archive, in the order of the archive: nil for
// any other file, empty for an archive without files. With a *DamagedError the list is what can be told all the
// same; any other error is of the file system beneath.
func (s *FS) Members(path string) ([]string, error) {
	if s.isWithin(path) {
		return nil, nil // an archive in an archive is not looked into
	}
	d, err := s.directory(path)
	if d == nil || err != nil {
		return nil, err
	}
	paths := make([]string, len(d.names))
	for i, name := range d.names {
		paths[i] = path + "/" + name
	}
	return paths, d.fault
}

// Open opens a file, or a member of one, which is to be closed. A member that cannot be read is a
// *files.UnsupportedError; what is not there wraps fs.ErrNotExist.
func (s *FS) Open(path string) (files.Handle, error) {
	h, err := files.Handle(nil), errMember
	if !s.isWithin(path) {
		if h, err = s.FS.Open(path); err == nil || !isMissing(err) {
			return h, err
		}
	}
	archive, of, m, err := s.find(path, err)
	if err != nil {
		return nil, err
	}
	if m.trouble != nil {
		return nil, m.trouble.at(path)
	}
	if h, err = s.FS.Open(archive); err != nil {
		return nil, err
	}
	stat, err := h.Stat()
	if err == nil && stat != of {
		err = &fs.PathError{Op: "open", Path: path, Err: errChanged}
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return &handle{archive: h, member: m}, nil
}

// Stat describes a file, or a member of one: its size is in bytes as it is stored, for what zip has deflated as
// gzip would store it.
func (s *FS) Stat(path string) (files.Stat, error) {
	err := errMember
	if !s.isWithin(path) {
		stat, failed := s.FS.Stat(path)
		if failed == nil || !isMissing(failed) {
			return stat, failed
		}
		err = failed
	}
	_, of, m, err := s.find(path, err)
	if err != nil {
		return files.Stat{}, err
	}
	return m.stat(of), nil
}

// errMember stands for what the file system beneath would say of a member.
var errMember error = &fs.PathError{Op: "open", Path: "member", Err: fs.ErrNotExist}

// isWithin reports whether a path leads on from an archive that was listed.
func (s *FS) isWithin(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for dir := filepath.Dir(path); len(dir) < len(path); path, dir = dir, filepath.Dir(dir) {
		if s.dirs[dir] != nil {
			return true
		}
	}
	return false
}

// errChanged says that an archive was rewritten since it was listed.
var errChanged = errors.New("its archive was rewritten meanwhile; run again")

// isMissing reports whether nothing is at a path, also because a file is where a folder would have to be, or a link
// that is followed only when it is named itself.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.As(err, new(*files.LinkError))
}

// ArchiveOf gives the path of the file that a path would be a member of; false if there is none.
func (s *FS) ArchiveOf(path string) (string, bool) {
	for dir := filepath.Dir(path); len(dir) < len(path); path, dir = dir, filepath.Dir(dir) {
		switch _, err := s.FS.Stat(dir); {
		case err == nil:
			return dir, true
		case !isMissing(err):
			return "", false
		}
	}
	return "", false
}

// find looks for the member at a path, in the archive that is as of says. If there is none, missing is the error.
func (s *FS) find(path string, missing error) (archive string, of files.Stat, m *member, err error) {
	archive, ok := s.ArchiveOf(path)
	if !ok {
		return "", of, nil, missing
	}
	d, err := s.directory(archive)
	if err != nil {
		return "", of, nil, err
	}
	if d != nil {
		of, m = d.of, d.members[strings.TrimPrefix(path, archive+"/")]
	}
	if m == nil {
		return "", of, nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return archive, of, m, nil
}

// directory gives the directory of an archive; nil for a file that is none.
func (s *FS) directory(path string) (*directory, error) {
	stat, err := s.FS.Stat(path)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	d := s.dirs[path]
	s.mu.Unlock()
	if d != nil && d.of == stat {
		return d, nil
	}
	h, err := s.FS.Open(path)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if stat, err = h.Stat(); err != nil {
		return nil, err
	}
	if d, err = list(path, h, stat); d == nil || err != nil {
		return nil, err
	}
	s.keep(path, d)
	return d, nil
}

func (s *FS) keep(path string, d *directory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept+len(d.names) > keptMost {
		clear(s.dirs)
		s.kept = 0
	}
	if old := s.dirs[path]; old != nil {
		s.kept -= len(old.names)
	}
	s.dirs[path] = d
	s.kept += len(d.names)
}

// DamagedError says what of an archive cannot be listed.
type DamagedError struct {
	Path string
	What string // what the archive is
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is %s that is damaged or not whole: %v", e.Path, e.What, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }
