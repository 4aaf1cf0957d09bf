// Package sink defines what Logseal requires of the place where its objects go, which is a folder or a
// bucket: the interface Store, its keys and its errors.
//
// Invariants that every Store keeps, and that package sinktest checks:
//
//   - An object is whole or absent, and is never replaced: of two writers of one key, one wins.
//   - An object that Put acknowledged is durable, and every later Get, Stat and Put of any writer sees it.
//   - List may be late; no guarantee depends on it.
//
// The package stores nothing itself: packages dir and s3 do, and package retry repeats their calls.
package sink

import (
	"context"
	"io"
	"iter"
	"time"
)

// Object is what Put stores: bytes that can be read again for a retry, with their digest.
type Object struct {
	Key    string // relative to the store's prefix, parts joined by '/'
	Size   int64
	SHA256 [32]byte
	// Open gives the bytes from the start; Put closes what it opened.
	Open func() (io.ReadCloser, error)
	// Meta is provenance for stores that can keep it beside the object; it is no part of the bytes.
	Meta map[string]string
	// Maybe says that the object may be there already, as after a crash. A store that can ask for
	// less than it costs to put asks first.
	Maybe bool
}

// Info is what a store knows of an object without reading it.
type Info struct {
	Key      string
	Size     int64
	Modified time.Time // when it was put; zero if the store does not say
	// SHA256 is the digest that the store checked when it took the object; zero if it does not say,
	// as in what List yields.
	SHA256 [32]byte
}

// Store is a set of immutable objects. All methods may be called concurrently.
type Store interface {
	// Name is the store's identity in full: where it is and under what prefix.
	Name() string
	// Put stores an object unless its key exists. It returns nil when the key holds exactly the
	// object's bytes, whether this call, an earlier one or another writer put them there; a
	// *ConflictError when it holds other bytes. After any other error the object may or may not
	// be there: ask, or put it again. An error of any method may be a *TransientError or a
	// *RefusedError.
	Put(ctx context.Context, o Object) error
	// Get opens the object at key for reading from its start, or returns ErrNotFound.
	Get(ctx context.Context, key string) (io.ReadCloser, Info, error)
	// Stat describes the object at key, or returns ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)
	// List yields the objects whose keys begin with prefix, in the order of their keys. It stops
	// at the first error, which it yields.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Delete removes the object at key. That it was not there is no error.
	Delete(ctx context.Context, key string) error
}

// Prober is a Store whose maker may have promised what it does not keep.
type Prober interface {
	// Probe puts an object again that is there. It returns a *RefusedError when the store would
	// have replaced it; then the same bytes stand there as before.
	Probe(ctx context.Context, o Object) error
}
