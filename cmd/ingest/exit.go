package main

import (
	"errors"
	"fmt"

	"logseal/ingest/usage"
)

// The exit codes.
const (
	exitFailed = 1 // or interrupted; running again is safe
	exitUsage  = 2 // flags or config
	exitLook   = 3 // finished, with problems
	exitFaulty = 4 // verify found a fault
)

// exitError is an error with an exit code of its own; all others exit 1.
type exitError struct {
	code int
	err  error
}

// Error implements error.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap gives the error without its exit code.
func (e *exitError) Unwrap() error { return e.err }

func exitf(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if usage.Is(err) {
		return exitUsage
	}
	return exitFailed
}
