package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// OS is the file system of the operating system.
func OS() FS { return osFS{} }

type osFS struct{}

// Open opens with O_NONBLOCK so that a FIFO that took a file's place does not hang us; for a
// regular file it means nothing.
func (osFS) Open(path string) (Handle, error) {
	if _, err := (osFS{}).Stat(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	h := osHandle{f}
	if _, err := h.Stat(); err != nil {
		f.Close()
		return nil, err
	}
	return h, nil
}

func (osFS) Stat(path string) (Stat, error) {
	return stat("stat", path, func(st *unix.Stat_t) error { return unix.Stat(path, st) })
}

// statEach gives a Stat of many files, which is sooner done when those of a folder come one after the
// other: the system does not walk the path to it for each. Done is called at the end.
func statEach(fsys FS) (stat func(path string) (Stat, error), done func()) {
	if _, ok := fsys.(osFS); !ok {
		return fsys.Stat, func() {}
	}
	s := &folderStat{fd: -1}
	return s.stat, s.close
}

// folderStat has one folder open.
type folderStat struct {
	dir string
	fd  int // -1 for none
	st  unix.Stat_t
}

func (s *folderStat) stat(path string) (Stat, error) {
	dir, name := filepath.Split(path)
	if dir != s.dir || s.fd < 0 {
		s.close()
		s.dir = dir
		if dir != "" {
			s.fd, _ = unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		}
	}
	if s.fd < 0 {
		return osFS{}.Stat(path)
	}
	err := unix.Fstatat(s.fd, name, &s.st, 0)
	for err == unix.EINTR {
		err = unix.Fstatat(s.fd, name, &s.st, 0)
	}
	if err != nil {
		return Stat{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return regular(path, &s.st)
}

func (s *folderStat) close() {
	if s.fd >= 0 {
		_ = unix.Close(s.fd) // it was only looked at
	}
	s.fd = -1
}

type osHandle struct{ *os.File }

func (h osHandle) Stat() (Stat, error) {
	conn, err := h.SyscallConn()
	if err != nil {
		return Stat{}, err
	}
	return stat("fstat", h.Name(), func(st *unix.Stat_t) (err error) {
		if e := conn.Control(func(fd uintptr) { err = unix.Fstat(int(fd), st) }); e != nil {
			return e
		}
		return err
	})
}

// statDir is stat of a folder.
func statDir(path string) (Stat, error) {
	var st unix.Stat_t
	err := statAny("stat", path, &st, func(st *unix.Stat_t) error { return unix.Stat(path, st) })
	return statOf(&st), err
}

// stat makes a Stat of the regular file that call finds.
func stat(op, path string, call func(st *unix.Stat_t) error) (Stat, error) {
	var st unix.Stat_t
	if err := statAny(op, path, &st, call); err != nil {
		return Stat{}, err
	}
	return regular(path, &st)
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

// statAny has a call fill st. A network file system may interrupt the call.
func statAny(op, path string, st *unix.Stat_t, call func(st *unix.Stat_t) error) error {
	err := call(st)
	for err == unix.EINTR {
		err = call(st)
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}
