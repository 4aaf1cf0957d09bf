//go:build linux

package tracer

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const fstatat = unix.SYS_NEWFSTATAT

// CanFail tells whether calls can be made to fail on this machine.
const CanFail = true

// skip has the kernel make no call, though the thread is at the entry of one.
func skip(tid int) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return fmt.Errorf("skip a call: %w", err)
	}
	regs.Orig_rax = ^uint64(0)
	if err := unix.PtraceSetRegs(tid, &regs); err != nil {
		return fmt.Errorf("skip a call: %w", err)
	}
	return nil
}

// answer gives the thread the result of the call that was skipped.
func answer(tid int, errno unix.Errno) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return fmt.Errorf("answer a call: %w", err)
	}
	regs.Rax = -uint64(errno)
	if err := unix.PtraceSetRegs(tid, &regs); err != nil {
		return fmt.Errorf("answer a call: %w", err)
	}
	return nil
}
