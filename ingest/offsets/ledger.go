package offsets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"go.etcd.io/bbolt"

	"logseal/ingest/source"
)

// Format is the version of the ledger's own format.
const Format = 1

// FileName and LockName are the files in the state folder that belong to the ledger.
const (
	FileName = "ledger.db"
	LockName = "lock"
)

// Meta says whose ledger it is.
type Meta struct {
	Format int
	// WriterID is random and made with the ledger: no two ledgers share it.
	WriterID string
	// Sink is the sink's name in full. "" when the state lies inside the folder sink: not compared.
	Sink string
	// Origin is what new sources get whose path tells none, as it stands in keys. "" until somebody
	// said so: not compared.
	Origin string
	// Created says that this call to Open made the ledger.
	Created bool
}

// Ledger is an open ledger. All methods may be called concurrently.
type Ledger struct {
	path string
	db   *bbolt.DB
	file *os.File // db's own
	lock *os.File // nil when a reader found no lock file

	mu     sync.Mutex // guards what follows
	meta   Meta
	broken bool // a commit failed or bbolt panicked: no further use
	stuck  bool // bbolt panicked and may hold its own locks: Close must not ask for them
}

// Meta says whose ledger it is.
func (l *Ledger) Meta() Meta {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.meta
}

// Close releases the ledger and the lock. The Ledger must not be used after it.
func (l *Ledger) Close() error {
	l.mu.Lock()
	l.broken = true
	stuck := l.stuck
	l.mu.Unlock()
	var err error
	if stuck {
		err = l.file.Close() // which gives bbolt's lock on it back; the mapping stays
	} else {
		err = l.db.Close()
	}
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("close ledger %s: %w", l.path, err)
	}
	return nil
}

// Empty reports whether the ledger knows no source. It is false when that cannot be read.
func (l *Ledger) Empty() bool {
	empty := false
	err := l.view(func(t *tx) error {
		k, _ := t.bolt.Bucket(bucketSources).Cursor().First()
		empty = k == nil
		return nil
	})
	return err == nil && empty
}

// Get returns the source at key; false when there is none.
func (l *Ledger) Get(key source.Key) (s *Source, ok bool, err error) {
	err = l.view(func(t *tx) error {
		s, ok, err = t.source(key)
		return err
	})
	return s, ok, err
}

// All returns the keys of all sources, sorted by their text form. It takes time in proportion to all
// that ever was: Waiting, Behind, HasTable and Origins do not.
func (l *Ledger) All() ([]source.Key, error) { return l.keys(bucketSources) }

// Waiting returns the keys of the sources with a batch in the outbox, sorted by their text form.
func (l *Ledger) Waiting() ([]source.Key, error) { return l.keys(bucketWaiting) }

func (l *Ledger) keys(bucket []byte) (keys []source.Key, err error) {
	err = l.view(func(t *tx) error {
		return t.scan(bucket, nil, func(k, _ []byte) error {
			key, err := parseKey(string(k))
			if err != nil {
				return t.damaged(string(bucket), err)
			}
			keys = append(keys, key)
			return nil
		})
	})
	return keys, err
}

// Ends returns the ends known of a source, by offset.
func (l *Ledger) Ends(key source.Key) (ends []End, err error) {
	err = l.view(func(t *tx) error {
		return t.scan(bucketEnds, []byte(key.String()+"/"), func(k, v []byte) error {
			_, off, err := parseEndKey(k)
			if err != nil {
				return t.damaged("end", err)
			}
			chain, err := decodeEnd(v)
			if err != nil {
				return t.damaged("end "+string(k), err)
			}
			ends = append(ends, End{Offset: off, Chain: chain})
			return nil
		})
	})
	return ends, err
}

// Update changes the source at key in one transaction: when it returns nil the change is durable.
// fn gets the source as it is, or a new one (Serial 0, Sealed at the origin, LastStart -1, all else
// zero). It may keep s: once Update has returned nil that is what the ledger has.
//
// Without a source fn must seal something, which makes one. Else the error is ErrNoSource: so whoever
// looked before the source was given up does not bring it back by a change.
//
// Where fn lowers the sealed offset the ends after it are forgotten: other bytes may follow there.
//
// Other goroutines may read meanwhile and see the old one; fn itself must not use the Ledger. An
// error of fn, or a source that breaks the rules on Source, changes nothing. After *CommitError
// the ledger on disk may hold the old value or the new value, and the Ledger refuses further use.
func (l *Ledger) Update(key source.Key, fn func(s *Source) error) error {
	return l.change("update source "+key.String(), func(t *tx) error { return t.update(key, fn) })
}

// UpdateAll is Update of several sources in one transaction: all are changed, or none.
func (l *Ledger) UpdateAll(keys []source.Key, fn func(key source.Key, s *Source) error) error {
	return l.change(fmt.Sprintf("update %d sources", len(keys)), func(t *tx) error {
		for _, key := range keys {
			err := t.update(key, func(s *Source) error { return fn(key, s) })
			if err != nil {
				return fmt.Errorf("source %s: %w", key, err)
			}
		}
		return nil
	})
}

// Delete forgets a source with its ends and its sighting, in one transaction; the files remembered as
// it are not believed any more. It gives the source's k back. That there is none is no error. Errors
// are as for Update.
func (l *Ledger) Delete(key source.Key) error {
	return l.change("delete source "+key.String(), func(t *tx) error {
		return t.forget(key)
	})
}

// change runs fn in a write transaction and commits it if anything changed.
func (l *Ledger) change(what string, fn func(*tx) error) error {
	wrap := func(err error) error { return fmt.Errorf("%s: %w", what, err) }
	if err := l.usable(); err != nil {
		return wrap(err)
	}
	var b *bbolt.Tx
	done := false
	defer func() { // also when fn, which is our caller's, panics
		if b != nil && !done {
			l.rollback(b)
		}
	}()
	var t *tx
	err := l.guard(func() (err error) {
		if b, err = l.db.Begin(true); err != nil {
			return err
		}
		// A commit may have failed while this one waited for its turn.
		if err = l.usable(); err != nil {
			return err
		}
		t, err = begin(l.path, b)
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
	if err := l.guard(t.putSum); err != nil {
		return wrap(err)
	}
	done = true
	return l.commit(b)
}

// commit makes b durable. bbolt writes the new pages, then, after fdatasync, the meta page that
// makes them count, then fdatasync again. If we crash before the meta page is written the old
// state stands; after it, the new one; a torn meta page fails its checksum and the old one stands.
// An error may come from before or after that write, so the outcome is unknown: the one thing
// that must not happen now is to go on from memory.
func (l *Ledger) commit(b *bbolt.Tx) error {
	err := l.guard(b.Commit)
	if err == nil {
		return nil
	}
	l.mu.Lock()
	l.broken = true
	l.mu.Unlock()
	return &CommitError{Path: l.path, Err: err}
}

// rollback drops b; when bbolt cannot even do that it is not asked for anything again.
func (l *Ledger) rollback(b *bbolt.Tx) {
	if err := l.guard(b.Rollback); err != nil {
		l.mu.Lock()
		l.broken, l.stuck = true, true
		l.mu.Unlock()
	}
}

// view runs fn in a read transaction.
func (l *Ledger) view(fn func(*tx) error) error {
	if err := l.usable(); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	err := l.guard(func() error {
		b, err := l.db.Begin(false)
		if err != nil {
			return err
		}
		defer b.Rollback()
		t, err := begin(l.path, b)
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

func (l *Ledger) usable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return ErrUnusable
	}
	return nil
}

// guard runs f, which calls bbolt. A panic of bbolt, or a page of its mapped file that the disk
// cannot give, is damage and not the end of the process; after it the Ledger is not used again.
func (l *Ledger) guard(f func() error) error {
	err := guard(l.path, f)
	if _, ok := errors.AsType[*panicError](err); ok {
		l.mu.Lock()
		l.broken, l.stuck = true, true
		l.mu.Unlock()
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

func ledgerPath(dir string) string { return filepath.Join(dir, FileName) }
