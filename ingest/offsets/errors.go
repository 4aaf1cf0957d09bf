package offsets

import (
	"errors"
	"fmt"
)

// ErrUnusable is returned by every use of a Ledger after a commit failed, or after damage was
// seen: what it holds in memory may not be what is on disk. Close it and open it again.
var ErrUnusable = errors.New("ledger must be opened again after a failed commit")

// ErrNoSource is returned by a change that needs a source which the ledger does not have. It may have
// been given up since the caller looked.
var ErrNoSource = errors.New("the ledger does not have the source")

// CommitError says that a transaction's outcome is unknown: the ledger on disk may hold the old
// value or the new value, never a mixture. The Ledger refuses further use.
type CommitError struct {
	Path string
	Err  error
}

func (e *CommitError) Error() string {
	return fmt.Sprintf("commit to ledger %s, outcome unknown: %v", e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *CommitError) Unwrap() error { return e.Err }

// LockedError says that another process uses the state folder.
type LockedError struct {
	Dir string
	Pid int // 0 when it is not known
}

func (e *LockedError) Error() string {
	if e.Pid == 0 {
		return fmt.Sprintf("state folder %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("state folder %s is in use by process %d; wait for it or stop it", e.Dir, e.Pid)
}

// DamagedError says that the ledger's file is not what was written to it. Nothing was changed.
type DamagedError struct {
	Path string
	Err  error // what is wrong, and where
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("ledger %s is damaged: %v; `ingest state rebuild` keeps it aside and makes "+
		"a new one from the sink and the spool", e.Path, e.Err)
}

// Unwrap gives what is wrong.
func (e *DamagedError) Unwrap() error { return e.Err }

// MismatchError says that the ledger belongs to something else than the caller. Nothing was
// changed.
type MismatchError struct {
	Path string
	What string // "format", "sink" or "origin"
	Have string // what the ledger says
	Want string // what the caller says
}

func (e *MismatchError) Error() string {
	have, want := e.Have, e.Want
	if e.What == "origin" {
		have, want = originWord(have), originWord(want)
	}
	return fmt.Sprintf("ledger %s is for %s %q, not %q; give the state folder that belongs to it, "+
		"or `ingest state rebuild` keeps it aside and makes a new one", e.Path, e.What, have, want)
}
