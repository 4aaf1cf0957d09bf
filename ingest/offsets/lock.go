package offsets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lockWait is how long to wait for the lock: a reader such as `status` holds it for a moment,
	// and must not make a writer that starts just then fail.
	lockWait = 500 * time.Millisecond
	lockPoll = 10 * time.Millisecond
)

// takeLock locks dir for writing until the file it returns is closed, by kill -9 too. The file
// stays: were it removed, two processes could each lock their own.
func takeLock(dir string) (*os.File, error) {
	f, err := openIn(dir, LockName, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := flock(f, unix.LOCK_EX, dir); err != nil {
		f.Close()
		return nil, err
	}
	// The pid is for people: the lock holds without it.
	pid := strconv.Itoa(os.Getpid()) + "\n"
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, fmt.Errorf("write lock: %w", err)
	}
	if _, err := f.WriteAt([]byte(pid), 0); err != nil {
		f.Close()
		return nil, fmt.Errorf("write lock: %w", err)
	}
	return f, nil
}

// shareLock locks dir against writers until the file it returns is closed. The file is nil when
// there is no lock file: no writer has been here.
func shareLock(dir string) (*os.File, error) {
	f, err := openIn(dir, LockName, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := flock(f, unix.LOCK_SH, dir); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func flock(f *os.File, how int, dir string) error {
	for start := time.Now(); ; time.Sleep(lockPoll) {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case !errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		case time.Since(start) >= lockWait:
			return &LockedError{Dir: dir, Pid: readPid(f)}
		}
	}
}

// readPid returns the pid in a lock file, 0 when there is none.
func readPid(f *os.File) int {
	var b [32]byte
	n, _ := f.ReadAt(b[:], 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return 0
	}
	return pid
}
