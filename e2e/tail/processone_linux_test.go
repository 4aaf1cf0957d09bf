package tail_test

import "syscall"

// processOne makes a program process 1 of a namespace of its own.
func processOne() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
}
