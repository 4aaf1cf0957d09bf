package service

import (
	"fmt"
	"syscall"

	"logseal/ingest/usage"
)

// descriptors is what a process may have open, shared out.
type descriptors struct {
	files int // that are followed
	ships int // sources that ship at once
}

const (
	// reserveLeast is how many descriptors are kept at least for what is no log: ledger, spool, sink,
	// connections and the folders that are looked through.
	reserveLeast = 48
	// filesLeast is how many files there must be descriptors for.
	filesLeast = 8
	// shipBase are those of the reserve that are no batch's, and shipEach what one takes that ships.
	shipBase, shipEach = 32, 8
	// descriptorsMost is more than anybody has use for; some systems have no limit.
	descriptorsMost = 1 << 20
)

// shareOut shares out a limit of open files.
func shareOut(limit int) (descriptors, error) {
	reserve := max(reserveLeast, limit/4)
	d := descriptors{files: limit - reserve, ships: (reserve - shipBase) / shipEach}
	if d.files < filesLeast {
		return d, usage.Errorf("the limit of open files is %d, and tail needs %d at least: raise it (ulimit -n, or "+
			"LimitNOFILE= of the unit)", limit, reserveLeast+filesLeast)
	}
	return d, nil
}

// openFilesLimit is how many files this process may have open.
func openFilesLimit() (int, error) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("ask for the limit of open files: %w", err)
	}
	return int(min(r.Cur, descriptorsMost)), nil
}
