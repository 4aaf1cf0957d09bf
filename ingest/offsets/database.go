package offsets

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"

	"go.etcd.io/bbolt"
)

// database is the ledger's bbolt file: its transactions, and what becomes of them when one fails. All
// methods may be called concurrently.
type database struct {
	path string
	bolt *bbolt.DB
	file *os.File // bolt's own

	mu     sync.Mutex // guards what follows
	broken bool       // a commit failed, bbolt panicked, or it was closed: no further use
	stuck  bool       // bbolt panicked and may hold its own locks: close must not ask for them
}

// close releases the file.
func (d *database) close() error {
	d.mu.Lock()
	d.broken = true
	stuck := d.stuck
	d.mu.Unlock()
	if stuck {
		return d.file.Close() // which gives bbolt's lock on it back; the mapping stays
	}
	return d.bolt.Close()
}

// change runs fn in a write transaction and commits it if anything changed.
func (d *database) change(what string, fn func(*tx) error) error {
	wrap := func(err error) error { return fmt.Errorf("%s: %w", what, err) }
	if err := d.usable(); err != nil {
		return wrap(err)
	}
	var b *bbolt.Tx
	done := false
	defer func() { // also when fn, which is our caller's, panics
		if b != nil && !done {
			d.rollback(b)
		}
	}()
	var t *tx
	err := d.guard(func() (err error) {
		if b, err = d.bolt.Begin(true); err != nil {
			return err
		}
		// A commit may have failed while this one waited for its turn.
		if err = d.usable(); err != nil {
			return err
		}
		t, err = begin(d.path, b)
		return err
	})
	if err != nil {
		return wrap(err)
	}
	if err := fn(t); err != nil {
		return wrap(err)
	}
	if !t.changed {
		return nil
	}
	if err := d.guard(t.putSum); err != nil {
		return wrap(err)
	}
	done = true
	return d.commit(b)
}

// commit makes b durable. bbolt writes the new pages, then, after fdatasync, the meta page that
// makes them count, then fdatasync again. If we crash before the meta page is written the old
// state stands; after it, the new one; a torn meta page fails its checksum and the old one stands.
// An error may come from before or after that write, so the outcome is unknown: the one thing
// that must not happen now is to go on from memory.
func (d *database) commit(b *bbolt.Tx) error {
	err := d.guard(b.Commit)
	if err == nil {
		return nil
	}
	d.mu.Lock()
	d.broken = true
	d.mu.Unlock()
	return &CommitError{Path: d.path, Err: err}
}

// rollback drops b; when bbolt cannot even do that it is not asked for anything again.
func (d *database) rollback(b *bbolt.Tx) {
	if err := d.guard(b.Rollback); err != nil {
		d.mu.Lock()
		d.broken, d.stuck = true, true
		d.mu.Unlock()
	}
}

// view runs fn in a read transaction.
func (d *database) view(fn func(*tx) error) error {
	if err := d.usable(); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	err := d.guard(func() error {
		b, err := d.bolt.Begin(false)
		if err != nil {
			return err
		}
		defer b.Rollback()
		t, err := begin(d.path, b)
		if err != nil {
			return err
		}
		return fn(t)
	})
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return nil
}

// usable returns ErrUnusable once the database must not be used again.
func (d *database) usable() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return ErrUnusable
	}
	return nil
}

// guard runs f, which calls bbolt. A panic of bbolt, or a page of its mapped file that the disk
// cannot give, is damage and not the end of the process; after it the database is not used again.
func (d *database) guard(f func() error) error {
	err := guard(d.path, f)
	if _, ok := errors.AsType[*panicError](err); ok {
		d.mu.Lock()
		d.broken, d.stuck = true, true
		d.mu.Unlock()
	}
	return err
}

// panicError is what a panic of bbolt left.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("bbolt: %v", e.value) }

func guard(path string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = &DamagedError{Path: path, Err: &panicError{v}}
		}
	}()
	return f()
}
