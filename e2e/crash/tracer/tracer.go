//go:build linux

package tracer

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotAllowed says that this machine lets nobody trace a child of his own.
var ErrNotAllowed = errors.New("ptrace is not allowed here")

// Verdict is what becomes of a call. The zero Verdict has it made.
type Verdict struct {
	Kill bool       // the program dies instead
	Fail unix.Errno // the call is not made and gives this error
}

// Result is how the program ended.
type Result struct {
	Killed bool // by us
	Code   int  // of the exit, if not
}

// Run runs cmd to its end. begun, if it is not nil, is called when it runs; judge at each of its calls that
// has a name here, by the same thread, which everything else of the program waits for.
//
// The process is in a group of its own. cmd.Wait must not be called.
func Run(cmd *exec.Cmd, begun func(), judge func(Call) Verdict) (Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace, cmd.SysProcAttr.Setpgid = true, true
	err := cmd.Start()
	if errors.Is(err, unix.EPERM) {
		return Result{}, ErrNotAllowed
	}
	if err != nil {
		return Result{}, fmt.Errorf("start: %w", err)
	}
	if begun != nil {
		begun()
	}
	t := tracer{pid: cmd.Process.Pid, judge: judge, seen: map[int]bool{}, failing: map[int]unix.Errno{}}
	if err := t.follow(); err != nil {
		unix.Kill(t.pid, unix.SIGKILL)
		return Result{}, err
	}
	return t.result, nil
}

// tracer follows the threads of one process. It belongs to one thread, which is their tracer.
type tracer struct {
	pid     int
	judge   func(Call) Verdict
	result  Result
	seen    map[int]bool       // threads that have stopped before
	failing map[int]unix.Errno // threads whose call was skipped, and what it is to give
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
		return true, t.ended(status)
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
	if t.result.Killed {
		return false, nil
	}
	return false, goOn(tid, deliver)
}

// ended notes how the process ended.
func (t *tracer) ended(status unix.WaitStatus) error {
	t.result.Code = status.ExitStatus()
	if status.Signaled() && !t.result.Killed {
		return &SignalError{status.Signal()}
	}
	return nil
}

// SignalError says that the program was ended by a signal that is not ours.
type SignalError struct{ Signal syscall.Signal }

func (e *SignalError) Error() string { return fmt.Sprintf("the program was ended by %v", e.Signal) }

// goOn lets a thread run to its next stop.
func goOn(tid, signal int) error {
	err := unix.PtraceSyscall(tid, signal)
	if errors.Is(err, unix.ESRCH) { // it is ending, with its process
		return nil
	}
	return err
}

// call looks at a thread that is about to make a call, or has made it.
func (t *tracer) call(tid int) error {
	c, entry, err := callOf(tid)
	if err != nil || t.result.Killed {
		return err
	}
	if errno := t.failing[tid]; !entry && errno != 0 {
		delete(t.failing, tid)
		return answer(tid, errno)
	}
	if !entry || c.Name == "" {
		return nil
	}
	switch v := t.judge(c); {
	case v.Kill:
		t.result.Killed = true
		return unix.Kill(t.pid, unix.SIGKILL)
	case v.Fail != 0:
		t.failing[tid] = v.Fail
		return skip(tid)
	}
	return nil
}
