package files

import (
	"io/fs"
	"os"
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
	st, _, err := statAny("stat", path, func(st *unix.Stat_t) error { return unix.Stat(path, st) })
	return st, err
}

// stat makes a Stat of the regular file that call finds.
func stat(op, path string, call func(st *unix.Stat_t) error) (Stat, error) {
	st, kind, err := statAny(op, path, call)
	if err == nil && kind != unix.S_IFREG {
		return Stat{}, &NotRegularError{Path: path, Dir: kind == unix.S_IFDIR}
	}
	return st, err
}

// statAny makes a Stat of what call finds. A network file system may interrupt the call.
func statAny(op, path string, call func(st *unix.Stat_t) error) (Stat, uint32, error) {
	var st unix.Stat_t
	err := call(&st)
	for err == unix.EINTR {
		err = call(&st)
	}
	if err != nil {
		return Stat{}, 0, &fs.PathError{Op: op, Path: path, Err: err}
	}
	return Stat{Dev: uint64(st.Dev), Inode: st.Ino, Size: st.Size, MtimeNS: st.Mtim.Nano(),
		CtimeNS: st.Ctim.Nano()}, uint32(st.Mode & unix.S_IFMT), nil
}
