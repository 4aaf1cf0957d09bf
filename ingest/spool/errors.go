package spool

import (
	"errors"
	"fmt"

	"logseal/ingest/durable"
)

// ErrUnusable is returned by the change of a Spool that saw the fsync of a folder fail, and by every one
// after it: what is durable is unknown. Open the spool again and Recover.
var ErrUnusable = errors.New("spool must be opened again after a failed fsync")

// unusable makes the failed fsync of a folder an ErrUnusable that does not unwrap to the cause: neither more
// room nor another try helps. Any other error stays as it is: a folder that cannot be opened has lost nothing.
func unusable(err error) error {
	if failed := (*durable.SyncError)(nil); errors.As(err, &failed) {
		return fmt.Errorf("%w: %v", ErrUnusable, failed)
	}
	return err
}

// FullError says that the disk, or its quota, is full. What was asked for was not done; it may be
// tried again, with a new Stage, when there is room.
type FullError struct {
	Path string
	Err  error
}

func (e *FullError) Error() string {
	return "disk is full at " + e.Path + ", make room: " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *FullError) Unwrap() error { return e.Err }

// ConflictError says that the spool has a batch of this name with another manifest: the encoder
// is not deterministic, or the disk is damaged.
type ConflictError struct{ Name string }

func (e *ConflictError) Error() string { return "spool has " + e.Name + " with another manifest" }
