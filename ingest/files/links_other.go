//go:build !linux

package files

import "golang.org/x/sys/unix"

// dirFlags open a folder to go on from.
const dirFlags = unix.O_RDONLY | unix.O_DIRECTORY
