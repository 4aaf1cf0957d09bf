package location

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/usage"
)

// Prepare keeps other users from turning against others what this process does in state and sink. Root
// refuses folders that another user owns or may write to. In a container Prepare only warns, because root is
// not the root of the host there and the platform chooses the owner of a volume. Prepare then closes the
// state folder to all other users.
func (s *Location) Prepare(log *slog.Logger, trustOwner bool) error {
	if os.Geteuid() == 0 && !trustOwner {
		for _, folder := range s.folders() {
			switch why, err := foreign(folder.path); {
			case err != nil:
				return usage.Errorf("%s: %w", folder.what, err)
			case why == "":
			case os.Getpid() == 1:
				log.Warn("another user could change what is done in this folder", "folder",
					folder.path, "reason", why)
			default:
				return usage.Errorf("%s: %s %s, so another user could turn against others what root does "+
					"there; run as that user, make the folder root's, or say --trust-owner", folder.what,
					folder.path, why)
			}
		}
	}
	return s.closeState()
}

type namedFolder struct{ what, path string }

// folders are those that we write to.
func (s *Location) folders() []namedFolder {
	all := []namedFolder{{"state", s.State}, {"spool", s.Spool()}}
	if s.Bucket != nil {
		return all
	}
	all = append(all, namedFolder{"sink", s.Sink})
	for _, name := range append(sink.Roots(), dir.Temp) {
		all = append(all, namedFolder{"sink", filepath.Join(s.Sink, name)})
	}
	return all
}

// foreign says why a folder is not root's alone, empty when it is, or is not there.
func foreign(path string) (why string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode().Perm(); {
	case !ok:
		return "", nil
	case st.Uid != 0:
		return "belongs to " + userName(st.Uid), nil
	case mode&0o002 != 0:
		return "may be written to by everyone", nil
	case mode&0o020 != 0 && st.Gid != 0:
		return fmt.Sprintf("may be written to by group %d", st.Gid), nil
	}
	return "", nil
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return fmt.Sprintf("user %s (%s)", u.Username, id)
	}
	return "user " + id
}

// closeState closes folders of the state that are there, and our own, to everyone else. A folder that
// holds other things is not all ours to close; the files in it are closed each by itself.
func (s *Location) closeState() error {
	for _, path := range []string{s.State, s.Spool()} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look at the state: %w", err)
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || info.Mode().Perm()&0o077 == 0 || int(st.Uid) != os.Geteuid() || !onlyState(path) {
			continue
		}
		// A file system may have no modes.
		if err := os.Chmod(path, info.Mode().Perm()&0o700); err != nil &&
			!errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("close the state to others: %w", err)
		}
	}
	return nil
}

// onlyState reports whether a folder holds nothing but what makes up a state or a spool.
func onlyState(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && (filepath.Base(path) == spoolDir ||
		!slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !isState(e.Name()) }))
}

// isState reports whether a file or folder in a state folder is one of ours.
func isState(name string) bool {
	return name == spoolDir || name == offsets.LockName || name == offsets.FileName ||
		strings.HasPrefix(name, offsets.FileName+".") || strings.HasPrefix(name, SocketName)
}
