package usage

import (
	"errors"
	"fmt"
	"syscall"
)

// Error is a mistake in a command line, in a config or in an argument of a question.
type Error struct{ err error }

// Errorf makes an Error as fmt.Errorf makes an error; %w wraps.
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }

// Error implements error.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap gives the wrapped error.
func (e *Error) Unwrap() error { return e.err }

// Is reports whether err is or wraps an Error that the user can fix. If the machine caused the error (a full
// disk, too many open files), Is reports false: a restart may help, and nobody restarts a program that blames
// its config.
func Is(err error) bool { return errors.As(err, new(*Error)) && !isOfMachine(err) }

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
