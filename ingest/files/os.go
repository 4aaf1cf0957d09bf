package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Disk is the file system of the operating system. It follows a symbolic link only where nobody gets
// by it what is not his, see LinkError, or where it is told to. What it is told must be said before
// it is used; then its methods may be called concurrently.
type Disk struct {
	ctx    context.Context // ends a Glob; it is a field because an FS knows no context
	follow bool            // every link is followed

	mu      sync.Mutex
	named   map[string]bool       // paths of which every link is followed
	refused map[string]*LinkError // by link
}

var _ FS = (*Disk)(nil)

// refusedMost bounds how many links are named that were not followed.
const refusedMost = 1000

// OS is the file system of the operating system.
func OS() *Disk { return &Disk{ctx: context.Background()} }

// Within makes listings end with ctx.
func (d *Disk) Within(ctx context.Context) *Disk {
	d.ctx = ctx
	return d
}

// FollowAll has every link followed.
func (d *Disk) FollowAll(all bool) *Disk {
	d.follow = all
	return d
}

// Trust has every link on the way to path followed: whoever named it knows what is there.
func (d *Disk) Trust(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.named == nil {
		d.named = map[string]bool{}
	}
	d.named[path] = true
}

// Refused gives the links that were not followed, by name. There may be more.
func (d *Disk) Refused() []*LinkError {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*LinkError
	for _, link := range slices.Sorted(maps.Keys(d.refused)) {
		all = append(all, d.refused[link])
	}
	return all
}

// refuse notes a link that was not followed, if err says so.
func (d *Disk) refuse(err error) error {
	if e := (*LinkError)(nil); errors.As(err, &e) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.refused == nil {
			d.refused = map[string]*LinkError{}
		}
		if len(d.refused) < refusedMost {
			d.refused[e.Link] = e
		}
	}
	return err
}

// walk goes to path; a file there is opened with flags, unless they are 0.
func (d *Disk) walk(op, path string, flags int) (*spot, error) {
	d.mu.Lock()
	all := d.follow || d.named[path]
	d.mu.Unlock()
	w := walker{path: path, flags: flags, all: all}
	s, err := w.to()
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		e.Op = op
	}
	return s, d.refuse(err)
}

// Open opens with O_NONBLOCK so that a FIFO that took a file's place does not hang us; for a
// regular file it means nothing.
func (d *Disk) Open(path string) (Handle, error) {
	s, err := d.walk("open", path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	if _, err := regular(path, &s.st); err != nil {
		s.close()
		return nil, err
	}
	return osHandle{os.NewFile(uintptr(s.fd), path)}, nil
}

// Stat implements FS.
func (d *Disk) Stat(path string) (Stat, error) {
	s, err := d.walk("stat", path, 0)
	if err != nil {
		return Stat{}, err
	}
	defer s.close()
	return regular(path, &s.st)
}

// statDir is Stat of a folder.
func (d *Disk) statDir(path string) (Stat, error) {
	s, err := d.folder("stat", path)
	if err != nil {
		return Stat{}, err
	}
	defer s.close()
	return statOf(&s.st), nil
}

// folder goes to a folder.
func (d *Disk) folder(op, path string) (*spot, error) {
	s, err := d.walk(op, path, 0)
	if err == nil && !s.isDir() {
		s.close()
		return nil, &fs.PathError{Op: op, Path: path, Err: unix.ENOTDIR}
	}
	return s, err
}

// readDir lists a folder, and gives no more than so many entries. What changes meanwhile is seen or
// not.
func (d *Disk) readDir(path string, most int) ([]fs.DirEntry, error) {
	s, err := d.folder("open", path)
	if err != nil {
		return nil, err
	}
	defer s.close()
	fd, err := openat(s.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	entries, err := f.ReadDir(most + 1)
	if len(entries) == 0 && err != nil && errors.Is(err, io.EOF) {
		err = nil
	}
	if len(entries) > most {
		return nil, errManyEntries
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// statEach gives a Stat of many files, which is sooner done when those of a folder come one after the
// other: the way to it is not gone for each. Done is called at the end.
func statEach(fsys FS) (stat func(path string) (Stat, error), done func()) {
	d, ok := fsys.(*Disk)
	if !ok {
		return fsys.Stat, func() {}
	}
	s := &folderStat{disk: d}
	return s.stat, s.close
}

// folderStat has one folder open.
type folderStat struct {
	disk *Disk
	dir  string
	at   *spot // nil for none
	st   unix.Stat_t
}

func (s *folderStat) stat(path string) (Stat, error) {
	dir, name := filepath.Split(path)
	if dir != s.dir || s.at == nil {
		s.close()
		s.dir = dir
		if dir != "" {
			s.at, _ = s.disk.folder("stat", dir)
		}
	}
	if s.at == nil {
		return s.disk.Stat(path)
	}
	if err := lstatat(s.at.fd, name, &s.st); err != nil {
		return Stat{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if s.st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return s.disk.Stat(path)
	}
	return regular(path, &s.st)
}

func (s *folderStat) close() {
	s.at.close()
	s.at = nil
}

type osHandle struct{ *os.File }

func (h osHandle) Stat() (Stat, error) {
	conn, err := h.SyscallConn()
	if err != nil {
		return Stat{}, err
	}
	var st unix.Stat_t
	if e := conn.Control(func(fd uintptr) { err = fstat(int(fd), &st) }); e != nil {
		err = e
	}
	if err != nil {
		return Stat{}, &fs.PathError{Op: "fstat", Path: h.Name(), Err: err}
	}
	return regular(h.Name(), &st)
}

// regular makes a Stat of what must be a regular file.
func regular(path string, st *unix.Stat_t) (Stat, error) {
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG {
		return Stat{}, &NotRegularError{Path: path, Dir: kind == unix.S_IFDIR}
	}
	return statOf(st), nil
}

func statOf(st *unix.Stat_t) Stat {
	return Stat{Dev: uint64(st.Dev), Inode: st.Ino, Size: st.Size, MtimeNS: st.Mtim.Nano(),
		CtimeNS: st.Ctim.Nano()}
}
