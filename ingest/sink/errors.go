package sink

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ErrNotFound is returned when there is no object at a key.
var ErrNotFound = errors.New("no such object")

// ErrUnusable is returned by a store that must be opened again before it can be written to: what it
// made durable is unknown.
var ErrUnusable = errors.New("sink must be opened again")

// ConflictError is returned by Put when the key holds other bytes. Nothing was changed.
type ConflictError struct {
	Key  string
	Want [32]byte // digest of the bytes that were to be put
	Have [32]byte // digest of the bytes that are there
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s exists with other bytes (sha256 %s, not %s)", e.Key,
		hex.EncodeToString(e.Have[:]), hex.EncodeToString(e.Want[:]))
}

// TransientError says that a store could not answer now, or that it cannot be told what it did.
// The same call may succeed later; whether it was done this time is unknown.
type TransientError struct {
	Err   error
	After time.Duration // how long the store wants to be left alone; 0 if it does not say
}

func (e *TransientError) Error() string { return e.Err.Error() }

func (e *TransientError) Unwrap() error { return e.Err }

// DamagedError says that the bytes of an object are not those that the store took: they were damaged
// where they lie or on the way. What was read of it up to now may be wrong.
type DamagedError struct{ Err error }

func (e *DamagedError) Error() string { return fmt.Sprintf("its bytes are damaged: %v", e.Err) }

func (e *DamagedError) Unwrap() error { return e.Err }

// RefusedError says that a store will not do what it was asked, however often it is asked: someone
// has to change something first. Nothing was changed.
type RefusedError struct {
	Err error
	Fix string // what to do, in a few words
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%v; %s", e.Err, e.Fix) }

func (e *RefusedError) Unwrap() error { return e.Err }
