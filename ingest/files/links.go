package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// LinkError says that a symbolic link was not followed.
type LinkError struct {
	Path string // what was looked for
	Link string // the link on the way there
	// Walk says that `**` came to a folder by it; else somebody could point it at what is another's.
	Walk bool
	By   string // who that is
}

func (e *LinkError) Error() string {
	if e.Walk {
		return e.Link + " is a link to a folder, which ** does not walk through: give it a pattern of its " +
			"own for the files there, or exclude it"
	}
	return fmt.Sprintf("%s is a symbolic link that %s could point at any file, and it leads to another "+
		"user's: it is not followed; `symlinks: follow` in the config follows every link", e.Link, e.By)
}

const (
	// linksMost is how many links are followed on the way to one file, as the system has it.
	linksMost = 40
	// usualOverflow is the user that the system puts in place of those it cannot name.
	usualOverflow = 65534
)

// overflowUID is the user that stands for all that have no name here: it is nobody.
var overflowUID = sync.OnceValue(func() uint32 {
	b, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if n, perr := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32); err == nil && perr == nil {
		return uint32(n)
	}
	return usualOverflow
})

// owner is who could replace a link; known is false when that is nobody in particular.
type owner struct {
	uid   uint32
	known bool
}

func (o owner) String() string {
	if !o.known {
		return "others"
	}
	return fmt.Sprintf("user %d", o.uid)
}

// ownerOf tells whose a link in the folder dir is: whoever could replace it.
func ownerOf(dir, link *unix.Stat_t, self uint32) owner {
	others := dir.Mode&unix.S_IWOTH != 0 || dir.Mode&unix.S_IWGRP != 0 && dir.Gid != 0
	sticky := dir.Mode&unix.S_ISVTX != 0
	trusted := dir.Uid == 0 || dir.Uid == self
	var o owner
	switch {
	case trusted && (sticky || !others):
		o = owner{link.Uid, true}
	case !others, sticky && dir.Uid == link.Uid:
		o = owner{dir.Uid, true}
	}
	if dir.Uid == overflowUID() || o.uid == overflowUID() {
		return owner{}
	}
	return o
}

// mayFollow reports whether a link of this owner may be followed to target: nobody gets by it what is
// not his.
func (o owner) mayFollow(target *unix.Stat_t, self uint32) bool {
	return o.known && (o.uid == 0 || o.uid == self || o.uid == target.Uid)
}

// walker goes a path component by component. No component is followed by the system: each link is
// read, judged and gone by the walker itself, from the folder that it has open.
type walker struct {
	path  string // of the whole way, for messages
	flags int    // what a file at its end is opened with; 0 not to open it
	links int    // gone so far
	all   bool   // every link is followed
}

// spot is where a walk has come to: a folder, open to go on from, or the end. fd is -1 for a file that
// is not to be opened.
type spot struct {
	fd   int
	name string
	st   unix.Stat_t
}

func (s *spot) isDir() bool { return s.st.Mode&unix.S_IFMT == unix.S_IFDIR }

func (s *spot) close() {
	if s != nil && s.fd >= 0 {
		_ = unix.Close(s.fd) // it was only looked at
	}
}

// to goes to the walker's path. The caller closes the spot.
func (w *walker) to() (*spot, error) {
	from := "."
	if strings.HasPrefix(w.path, "/") {
		from = "/" // our own folder may be closed to us
	}
	s, err := w.start(from)
	defer s.close()
	var end *spot
	if err == nil {
		end, err = w.walk(s, w.path)
	}
	if err != nil && !errors.As(err, new(*LinkError)) {
		return nil, &fs.PathError{Op: "open", Path: w.path, Err: err}
	}
	return end, err
}

func (w *walker) start(dir string) (*spot, error) {
	fd, err := openat(unix.AT_FDCWD, dir, dirFlags)
	if err != nil {
		return nil, err
	}
	s := &spot{fd: fd, name: strings.TrimSuffix(dir, "/")}
	return s, fstat(fd, &s.st)
}

// walk goes from a folder, which stays open.
func (w *walker) walk(from *spot, path string) (*spot, error) {
	at := from
	leave := func() {
		if at != from {
			at.close()
		}
	}
	if strings.HasPrefix(path, "/") {
		root, err := w.start("/")
		if err != nil {
			root.close()
			return nil, err
		}
		at = root
	}
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." {
			continue
		}
		next, err := w.step(at, name)
		leave()
		if err != nil {
			return nil, err
		}
		at = next
	}
	if at != from {
		return at, nil
	}
	return w.step(from, ".")
}

// step goes one component on, and by its links to their ends.
func (w *walker) step(at *spot, name string) (*spot, error) {
	if !at.isDir() {
		return nil, unix.ENOTDIR
	}
	next := &spot{fd: -1, name: at.name + "/" + name}
	if at.name == "." {
		next.name = name
	}
	if err := lstatat(at.fd, name, &next.st); err != nil {
		return nil, err
	}
	flags := dirFlags
	switch next.st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		return w.follow(at, name, next)
	case unix.S_IFDIR:
	case unix.S_IFREG:
		if flags = w.flags; flags == 0 {
			return next, nil
		}
	default:
		return next, nil
	}
	fd, err := openat(at.fd, name, flags|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err // what was there is another thing by now, and is met at the next look
	}
	next.fd = fd
	if err := fstat(fd, &next.st); err != nil {
		next.close()
		return nil, err
	}
	return next, nil
}

// follow goes by the link that is at name, and judges it by what it leads to.
func (w *walker) follow(at *spot, name string, link *spot) (*spot, error) {
	if w.links++; w.links > linksMost {
		return nil, unix.ELOOP
	}
	text, err := readlinkat(at.fd, name)
	if err != nil {
		return nil, err
	}
	var again unix.Stat_t
	if err := lstatat(at.fd, name, &again); err != nil {
		return nil, err
	}
	if again.Ino != link.st.Ino || again.Ctim != link.st.Ctim {
		return nil, unix.EAGAIN // another took its place: what was read may be that one's
	}
	end, err := w.walk(at, text)
	if errors.Is(err, unix.ENOENT) {
		return nameless(at, name, link)
	}
	if err != nil {
		return nil, err
	}
	self := uint32(os.Geteuid())
	if by := ownerOf(&at.st, &link.st, self); !w.all && !by.mayFollow(&end.st, self) {
		end.close()
		return nil, &LinkError{Path: w.path, Link: link.name, By: by.String()}
	}
	return end, nil
}

// nameless describes what a link of the kernel leads to that has no name: a pipe or a socket, which
// nobody reads. Any other link without an end leads nowhere.
func nameless(at *spot, name string, link *spot) (*spot, error) {
	end := &spot{fd: -1, name: link.name}
	if err := unix.Fstatat(at.fd, name, &end.st, 0); err != nil {
		return nil, err
	}
	switch end.st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFSOCK:
		return end, nil
	}
	return nil, unix.ENOENT
}

func openat(dir int, name string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Openat(dir, name, flags|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func fstat(fd int, st *unix.Stat_t) (err error) {
	for {
		if err = unix.Fstat(fd, st); err != unix.EINTR {
			return err
		}
	}
}

func lstatat(dir int, name string, st *unix.Stat_t) (err error) {
	for {
		if err = unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW); err != unix.EINTR {
			return err
		}
	}
}

func readlinkat(dir int, name string) (string, error) {
	b := make([]byte, unix.PathMax)
	for {
		n, err := unix.Readlinkat(dir, name, b)
		if err != unix.EINTR {
			return string(b[:max(0, n)]), err
		}
	}
}
