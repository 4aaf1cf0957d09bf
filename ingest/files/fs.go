package files

import (
	"fmt"
	"io"
	"strings"
)

// Stat is what a file system says about a regular file without reading it. Values are comparable:
// two that are equal speak of the same file, unchanged as far as the file system can tell.
type Stat struct {
	Dev     uint64 `json:"dev"`
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	MtimeNS int64  `json:"mtime_ns"`
	CtimeNS int64  `json:"ctime_ns"`
	// Version is what a store that has no inodes calls these bytes: an object's ETag. Dev and Inode
	// are 0 then, and the path is all the identity there is.
	Version string `json:"version,omitempty"`
}

// FS is what this package asks of a file system: the seam for faults in tests. All methods may be
// called concurrently.
type FS interface {
	// Open opens a regular file for reading; it follows symbolic links and never blocks. An error
	// wraps io/fs's ErrNotExist when there is no such file, and is or wraps a *NotRegularError for
	// anything but a regular file.
	Open(path string) (Handle, error)
	// Stat describes the file at path; errors are those of Open.
	Stat(path string) (Stat, error)
	// Glob gives the paths that match the pattern (see Find), whatever they name, in any order. A
	// folder that cannot be read is an error; a pattern that matches nothing is not.
	Glob(pattern string) ([]string, error)
}

// Handle is an open file. It goes on to read the same file after that was renamed or removed.
// ReadAt and Stat may be called concurrently.
type Handle interface {
	io.ReaderAt
	Stat() (Stat, error)
	Close() error
}

// NotRegularError says that a path names something that is no regular file.
type NotRegularError struct {
	Path string
	Dir  bool // it is a folder
}

func (e *NotRegularError) Error() string {
	if e.Dir {
		return fmt.Sprintf("%s is a folder: write '%s/**' for the files in it",
			e.Path, strings.TrimSuffix(e.Path, "/"))
	}
	return fmt.Sprintf("%s is not a regular file but a pipe, a socket or a device: what was read must be "+
		"there to be read again, so write it to a file first", e.Path)
}
