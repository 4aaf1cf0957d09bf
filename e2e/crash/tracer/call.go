//go:build linux

package tracer

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// names are the calls that the tracer tells of: those that have to do with files or with a server.
var names = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_WRITEV: "writev", unix.SYS_PWRITE64: "pwrite64",
	unix.SYS_PWRITEV: "pwritev", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync",
	unix.SYS_SYNC_FILE_RANGE: "sync_file_range", unix.SYS_MSYNC: "msync",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_LINKAT: "linkat",
	unix.SYS_SYMLINKAT: "symlinkat", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_MKDIRAT: "mkdirat",
	unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_TRUNCATE: "truncate",
	unix.SYS_FALLOCATE: "fallocate", unix.SYS_COPY_FILE_RANGE: "copy_file_range",
	unix.SYS_SENDFILE: "sendfile", unix.SYS_SPLICE: "splice", unix.SYS_OPENAT: "openat",
	unix.SYS_FCHMODAT: "fchmodat", unix.SYS_FCHMOD: "fchmod", unix.SYS_UTIMENSAT: "utimensat",

	unix.SYS_READ: "read", unix.SYS_PREAD64: "pread64", unix.SYS_GETDENTS64: "getdents64",
	unix.SYS_FSTAT: "fstat", unix.SYS_STATX: "statx", fstatat: "fstatat",
	unix.SYS_READLINKAT: "readlinkat",
}

// reading are those of them that change nothing.
var reading = map[string]bool{
	"read": true, "pread64": true, "getdents64": true, "fstat": true, "statx": true, "fstatat": true,
	"readlinkat": true,
}

// Call is a call into the kernel that a thread is about to make.
type Call struct {
	Name string
	tid  int
	nr   uint64
	args [6]uint64
}

// Changes reports whether the call changes anything on disk, asks a server to, or makes a change last. It
// tells calls apart that only have the same name: opening a file that must be there, and the Go runtime
// waking itself up.
func (c Call) Changes() bool {
	switch c.nr {
	case unix.SYS_OPENAT:
		return c.args[2]&(unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_WRITE:
		return !strings.HasPrefix(c.file(0), "anon_inode:")
	}
	return !reading[c.Name]
}

// ToSocket reports whether the call writes to a socket.
func (c Call) ToSocket() bool {
	return c.nr == unix.SYS_WRITE && strings.HasPrefix(c.file(0), "socket:")
}

// Files are what the call is about, as the program names it. What has no name is in words of the kernel.
func (c Call) Files() []string {
	switch c.nr {
	case unix.SYS_OPENAT, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_STATX, fstatat,
		unix.SYS_READLINKAT:
		return []string{c.under(0, 1)}
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT:
		return []string{c.under(0, 1), c.under(2, 3)}
	}
	return []string{c.file(0)}
}

// String names the call and its files.
func (c Call) String() string {
	return fmt.Sprintf("%s(%s)", c.Name, strings.Join(c.Files(), ", "))
}

// under is a path that stands in one argument, below the folder in another.
func (c Call) under(folder, path int) string {
	name := c.text(path)
	if strings.HasPrefix(name, "/") {
		return name
	}
	if int32(c.args[folder]) == unix.AT_FDCWD {
		return name
	}
	return c.file(folder) + "/" + name
}

// file is what the file descriptor in an argument stands for.
func (c Call) file(arg int) string {
	fd := int32(c.args[arg])
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", c.tid, fd))
	if err != nil {
		return fmt.Sprint(fd)
	}
	return name
}

// text reads the C string that an argument points to.
func (c Call) text(arg int) string {
	var b [unix.PathMax]byte
	n, err := unix.PtracePeekData(c.tid, uintptr(c.args[arg]), b[:])
	text, _, ended := strings.Cut(string(b[:n]), "\x00")
	if err != nil && !ended {
		return err.Error()
	}
	return text
}

// The request and the answer of PTRACE_GET_SYSCALL_INFO, which is the same on every machine.
const (
	getSyscallInfo = 0x420e
	infoEntry      = 1 // first byte: the thread is about to make a call
	infoNr         = 24
	infoArgs       = 32
	infoBytes      = 88
)

// callOf is the call that a stopped thread is about to make; false when it has made one.
func callOf(tid int) (c Call, entry bool, err error) {
	var info [infoBytes]byte
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(tid), infoBytes,
		uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno == unix.ESRCH {
		return c, false, nil
	}
	if errno != 0 {
		return c, false, fmt.Errorf("ask for the call: %w", errno)
	}
	if info[0] != infoEntry {
		return c, false, nil
	}
	c.tid, c.nr = tid, binary.NativeEndian.Uint64(info[infoNr:])
	c.Name = names[c.nr]
	for i := range c.args {
		c.args[i] = binary.NativeEndian.Uint64(info[infoArgs+8*i:])
	}
	return c, true, nil
}
