package files

import "golang.org/x/sys/unix"

// dirFlags open a folder to go on from: that needs no leave to read it.
const dirFlags = unix.O_PATH | unix.O_DIRECTORY
