package offsets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

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
	db   *database
	lock *os.File // nil when a reader found no lock file

	mu   sync.Mutex // guards meta
	meta Meta
}

// Meta says whose ledger it is.
func (l *Ledger) Meta() Meta {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.meta
}

// Close releases the ledger and the lock. The Ledger must not be used after it.
func (l *Ledger) Close() error {
	err := l.db.close()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("close ledger %s: %w", l.db.path, err)
	}
	return nil
}

// Empty reports whether the ledger knows no source. It is false when that cannot be read.
func (l *Ledger) Empty() bool {
	empty := false
	err := l.db.view(func(t *tx) error {
		k, _ := t.bolt.Bucket(bucketSources).Cursor().First()
		empty = k == nil
		return nil
	})
	return err == nil && empty
}

// Get returns the source at key; false when there is none.
func (l *Ledger) Get(key source.Key) (s *Source, ok bool, err error) {
	err = l.db.view(func(t *tx) error {
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
	err = l.db.view(func(t *tx) error {
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
	err = l.db.view(func(t *tx) error {
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
	return l.db.change("update source "+key.String(), func(t *tx) error { return t.update(key, fn) })
}

// UpdateAll is Update of several sources in one transaction: all are changed, or none.
func (l *Ledger) UpdateAll(keys []source.Key, fn func(key source.Key, s *Source) error) error {
	return l.db.change(fmt.Sprintf("update %d sources", len(keys)), func(t *tx) error {
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
	return l.db.change("delete source "+key.String(), func(t *tx) error {
		return t.forget(key)
	})
}

func ledgerPath(dir string) string { return filepath.Join(dir, FileName) }
