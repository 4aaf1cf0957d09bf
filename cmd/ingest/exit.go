package main

import (
	"errors"
	"fmt"
	"syscall"
)

// The exit codes.
const (
	exitFailed = 1 // or interrupted; running again is safe
	exitUsage  = 2 // flags or config
	exitLook   = 3 // done, but something wants a look
	exitFaulty = 4 // verify found a fault
)

// exitError is an error with an exit code of its own; all others exit 1.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

func exitf(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// usagef is an error in what the user wrote; it says what to write instead.
func usagef(format string, args ...any) error { return exitf(exitUsage, format, args...) }

func exitCode(err error) int {
	e, ok := errors.AsType[*exitError](err)
	if !ok || e.code == exitUsage && isOfMachine(err) {
		return exitFailed // to start again helps, and nobody does who is told that the config is wrong
	}
	return e.code
}

// isOfMachine reports whether an error says that the machine could not do now what it can at other times.
func isOfMachine(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM,
		syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
