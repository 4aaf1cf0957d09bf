package spool

import "errors"

// ErrUnusable is returned by the change of a Spool that saw the fsync of a folder fail, and by every one
// after it: what is durable is unknown. Open the spool again and Recover.
var ErrUnusable = errors.New("spool must be opened again after a failed fsync")

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
