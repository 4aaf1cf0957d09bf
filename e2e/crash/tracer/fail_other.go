//go:build linux && !amd64

package tracer

import (
	"errors"

	"golang.org/x/sys/unix"
)

const fstatat = unix.SYS_FSTATAT

// CanFail tells whether calls can be made to fail on this machine.
const CanFail = false

var errCannotFail = errors.New("calls cannot be made to fail on this machine")

func skip(int) error { return errCannotFail }

func answer(int, unix.Errno) error { return errCannotFail }
