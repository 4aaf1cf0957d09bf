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
	// Origin is the origin of all sources, "" for none.
	Origin string
	// Created says that this call to Open made the ledger.
	Created bool
}

// Ledger is an open ledger. All methods may be called concurrently.
type Ledger struct {
	path string
	meta Meta
	db   *bbolt.DB
	file *os.File // db's own
	lock *os.File // nil when a reader found no lock file

	mu     sync.Mutex // guards what follows
	broken bool       // a commit failed or bbolt panicked: no further use
	stuck  bool       // bbolt panicked and may hold its own locks: Close must not ask for them
}

// Meta says whose ledger it is.
func (l *Ledger) Meta() Meta { return l.meta }

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

// Keys returns the keys of all sources of a table, sorted by their text form.
func (l *Ledger) Keys(table source.Table) ([]source.Key, error) {
	return l.keys(table.String() + "/")
}

// All returns the keys of all sources, sorted by their text form.
func (l *Ledger) All() ([]source.Key, error) { return l.keys("") }

func (l *Ledger) keys(prefix string) (keys []source.Key, err error) {
	err = l.view(func(t *tx) error {
		return t.scan(bucketSources, []byte(prefix), func(k, _ []byte) error {
			key, err := parseKey(string(k))
			keys = append(keys, key)
			return err
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
				return err
			}
			chain, err := decodeEnd(v)
			ends = append(ends, End{off, chain})
			return err
		})
	})
	return ends, err
}

// GetFile returns what is remembered of the file at path; false when nothing is.
func (l *Ledger) GetFile(table source.Table, path string) (f FileRecord, ok bool, err error) {
	err = l.view(func(t *tx) error {
		b := t.get(bucketFiles, fileKey(table, path))
		if b == nil {
			return nil
		}
		ok = true
		f, err = decodeFile(path, b)
		return err
	})
	return f, ok, err
}

// Files returns all files of a table that are remembered, sorted by their paths.
func (l *Ledger) Files(table source.Table) (all []FileRecord, err error) {
	err = l.view(func(t *tx) error {
		return t.scan(bucketFiles, fileKey(table, ""), func(k, v []byte) error {
			_, path, err := parseFileKey(k)
			if err != nil {
				return err
			}
			f, err := decodeFile(path, v)
			all = append(all, f)
			return err
		})
	})
	return all, err
}

// Update changes the source at key in one transaction: when it returns nil the change is durable.
// fn gets the source as it is, or a new one (Sealed at the origin, LastStart -1, all else zero).
// Other goroutines may read meanwhile and see the old one; fn itself must not use the Ledger. An
// error of fn, or a source that breaks the rules on Source, changes nothing. After *CommitError
// the ledger on disk may hold the old value or the new value, and the Ledger refuses further use.
func (l *Ledger) Update(key source.Key, fn func(s *Source) error) error {
	return l.change("update source "+key.String(), func(t *tx) error {
		s, ok, err := t.source(key)
		if err != nil {
			return err
		}
		if !ok {
			s = newSource()
		}
		if err := fn(s); err != nil {
			return err
		}
		s.Highest = max(s.Highest, s.Sealed.Offset)
		if err := s.Validate(); err != nil {
			return err
		}
		return t.putSource(key, s)
	})
}

// Delete forgets a source, its ends and the files remembered as it, in one transaction. It gives
// its k back. That there is none is no error. Errors are as for Update.
func (l *Ledger) Delete(key source.Key) error {
	return l.change("delete source "+key.String(), func(t *tx) error {
		return t.forget(key)
	})
}

// PutFile remembers files in one transaction. Errors are as for Update.
func (l *Ledger) PutFile(table source.Table, files ...FileRecord) error {
	return l.change("remember files", func(t *tx) error {
		for _, f := range files {
			if err := t.putFile(table, f); err != nil {
				return err
			}
		}
		return nil
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
		t, err = begin(b)
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
		t, err := begin(b)
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
