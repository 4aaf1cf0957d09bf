//go:build linux

package crash_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changing are the calls at which the tracer counts and kills: those that change something on
// disk or ask a server to, or make a change last.
var changing = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_WRITEV: "writev", unix.SYS_PWRITE64: "pwrite64",
	unix.SYS_PWRITEV: "pwritev", unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync",
	unix.SYS_SYNC_FILE_RANGE: "sync_file_range", unix.SYS_MSYNC: "msync",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_LINKAT: "linkat",
	unix.SYS_SYMLINKAT: "symlinkat", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_MKDIRAT: "mkdirat",
	unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_TRUNCATE: "truncate",
	unix.SYS_FALLOCATE: "fallocate", unix.SYS_COPY_FILE_RANGE: "copy_file_range",
	unix.SYS_SENDFILE: "sendfile", unix.SYS_SPLICE: "splice", unix.SYS_OPENAT: "openat",
	unix.SYS_FCHMODAT: "fchmodat", unix.SYS_FCHMOD: "fchmod", unix.SYS_UTIMENSAT: "utimensat",
}

// toSocket is what a write to a socket counts as.
const toSocket = "write-socket"

// traced is a run of the program under the tracer.
type traced struct {
	calls  map[string]int // begun, by name; the one at which it was killed included
	count  int            // of all of them
	last   string         // the last call, and on what
	killed bool           // by us
	code   int            // of the exit, if not
	output string
}

// errNoTracing says that this machine lets nobody trace a child of his own.
var errNoTracing = errors.New("ptrace is not allowed here")

// trace runs the program and kills it, all threads, when it begins its k-th changing call, so
// that this call is not made; with k = 0 it is only watched.
//
// Each thread stops at each of its calls and is let go by this one thread, so the calls are counted
// one after the other over the whole process.
func (s *site) trace(k int, args ...string) (traced, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := os.CreateTemp(s.root, "output-")
	if err != nil {
		return traced{}, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	pid, err := syscall.ForkExec(program, append([]string{program}, args...), &syscall.ProcAttr{
		Dir: s.root, Env: s.environ(), Files: []uintptr{0, out.Fd(), out.Fd()},
		Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if errors.Is(err, unix.EPERM) {
		return traced{}, errNoTracing
	}
	if err != nil {
		return traced{}, fmt.Errorf("start: %w", err)
	}
	t := tracer{pid: pid, k: k, result: traced{calls: map[string]int{}}, seen: map[int]bool{}}
	if err := t.follow(); err != nil {
		unix.Kill(pid, unix.SIGKILL)
		return traced{}, err
	}
	text, err := os.ReadFile(out.Name())
	t.result.output = string(text)
	return t.result, err
}

// tracer follows the threads of one process. It belongs to one thread, which is their tracer.
type tracer struct {
	pid, k int
	result traced
	seen   map[int]bool // threads that have stopped before
}

// follow lets the process run, stop by stop, until it is over.
func (t *tracer) follow() error {
	_, status, err := t.wait()
	if err != nil || !status.Stopped() {
		return fmt.Errorf("the program did not stop at its start: %#x, %w", status, err)
	}
	t.seen[t.pid] = true
	err = unix.PtraceSetOptions(t.pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|
		unix.PTRACE_O_TRACEEXEC|unix.PTRACE_O_EXITKILL)
	if err != nil {
		return fmt.Errorf("set options: %w", err)
	}
	if err := goOn(t.pid, 0); err != nil {
		return err
	}
	for {
		if over, err := t.step(); over || err != nil {
			return err
		}
	}
}

// wait waits for a stop or an end of any thread of the process. The process is in a group of its
// own, so that children which other tests run at the same time are none of its business.
func (t *tracer) wait() (tid int, status unix.WaitStatus, err error) {
	for {
		tid, err = unix.Wait4(-t.pid, &status, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			return tid, status, err
		}
	}
}

// step takes one stop or end of a thread. It reports true when the process is over.
func (t *tracer) step() (over bool, err error) {
	tid, status, err := t.wait()
	if err != nil {
		return false, fmt.Errorf("wait: %w", err)
	}
	if !status.Stopped() {
		if tid != t.pid {
			return false, nil
		}
		t.result.code = status.ExitStatus()
		if status.Signaled() && !t.result.killed {
			return true, fmt.Errorf("the program was ended by %v", status.Signal())
		}
		return true, nil
	}
	deliver := 0
	switch signal := status.StopSignal(); {
	case signal == unix.SIGTRAP|0x80:
		if err := t.call(tid); err != nil {
			return false, err
		}
	case signal == unix.SIGTRAP: // a thread was made, or exec
	case signal == unix.SIGSTOP && !t.seen[tid]: // a new thread's first stop
	default:
		deliver = int(signal)
	}
	t.seen[tid] = true
	if t.result.killed {
		return false, nil
	}
	return false, goOn(tid, deliver)
}

// goOn lets a thread run to its next stop.
func goOn(tid, signal int) error {
	err := unix.PtraceSyscall(tid, signal)
	if errors.Is(err, unix.ESRCH) { // it is ending, with its process
		return nil
	}
	return err
}

// call looks at a thread that is about to make a call, or has made it. If it is the k-th, the
// process is killed: the kernel does not make a call when a deadly signal came at its entry.
func (t *tracer) call(tid int) error {
	c, entry, err := callOf(tid)
	if err != nil || !entry || t.result.killed {
		return err
	}
	name, ok := changing[c.nr]
	if !ok || !c.changes(tid) {
		return nil
	}
	if name == "write" && strings.HasPrefix(fileOf(tid, c.args[0]), "socket:") {
		name = toSocket
	}
	t.result.count++
	t.result.calls[name]++
	if t.result.count != t.k {
		return nil
	}
	t.result.last = fmt.Sprintf("%s(%s)", name, strings.Join(c.names(tid), ", "))
	t.result.killed = true
	return unix.Kill(t.pid, unix.SIGKILL)
}

// call is a call into the kernel.
type call struct {
	nr   uint64
	args [6]uint64
}

// The request and the answer of PTRACE_GET_SYSCALL_INFO, which is the same on every machine.
const (
	getSyscallInfo = 0x420e
	infoEntry      = 1 // first byte: the thread is about to make a call
	infoNr         = 24
	infoArgs       = 32
	infoBytes      = 88
)

func callOf(tid int) (c call, entry bool, err error) {
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
	c.nr = binary.NativeEndian.Uint64(info[infoNr:])
	for i := range c.args {
		c.args[i] = binary.NativeEndian.Uint64(info[infoArgs+8*i:])
	}
	return c, true, nil
}

// changes tells calls apart that only have the same number: opening a file that must be there,
// and the Go runtime waking itself up.
func (c call) changes(tid int) bool {
	switch c.nr {
	case unix.SYS_OPENAT:
		return c.args[2]&(unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_WRITE:
		return !strings.HasPrefix(fileOf(tid, c.args[0]), "anon_inode:")
	}
	return true
}

// fileOf is what a file descriptor stands for.
func fileOf(tid int, fd uint64) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(fd)))
	if err != nil {
		return fmt.Sprint(int32(fd))
	}
	return name
}

// names are the files of a call, for messages.
func (c call) names(tid int) []string {
	switch c.nr {
	case unix.SYS_OPENAT, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT:
		return []string{textAt(tid, c.args[1])}
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT:
		return []string{textAt(tid, c.args[1]), textAt(tid, c.args[3])}
	}
	return []string{fileOf(tid, c.args[0])}
}

// textAt reads a C string of the program.
func textAt(tid int, at uint64) string {
	var b [unix.PathMax]byte
	n, err := unix.PtracePeekData(tid, uintptr(at), b[:])
	text, _, ended := strings.Cut(string(b[:n]), "\x00")
	if err != nil && !ended {
		return err.Error()
	}
	return text
}
