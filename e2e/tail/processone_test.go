//go:build !linux

package tail_test

import "syscall"

// processOne makes a program process 1 of a namespace of its own, where there are any.
func processOne() *syscall.SysProcAttr { return nil }
