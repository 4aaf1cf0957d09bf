package offsets

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"logseal/ingest/source"
)

// Check reads the whole ledger in dir and returns the first thing wrong with it, as the errors of
// OpenReadOnly. Open only proves that all is as it was written; Check reads what that means, too, and
// holds against each other what follows from each other.
func Check(dir string) error {
	l, err := OpenReadOnly(dir)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.db.view(func(t *tx) error { return newChecker(t).all() }); err != nil {
		return err
	}
	return l.db.guard(func() error {
		b, err := l.db.bolt.Begin(false)
		if err != nil {
			return err
		}
		defer b.Rollback()
		var found error
		for err := range b.Check() { // to its end: it runs on a goroutine of its own
			if found == nil {
				found = &DamagedError{Path: l.db.path, Err: err}
			}
		}
		return found
	})
}

// checkSum reads every entry and compares all that there is with the sum.
func (t *tx) checkSum() error {
	got := sum{Serial: t.bolt.Bucket(bucketSources).Sequence()}
	err := t.bolt.ForEach(func(bucket []byte, b *bbolt.Bucket) error {
		if !slices.ContainsFunc(buckets, func(b []byte) bool { return bytes.Equal(b, bucket) }) {
			return fmt.Errorf("it has an unknown bucket %q", bucket)
		}
		return b.ForEach(func(k, v []byte) error {
			if !bytes.Equal(bucket, bucketMeta) || !bytes.Equal(k, keySum) {
				got.flip(bucket, k, v, 1)
			}
			return nil
		})
	})
	switch {
	case err != nil:
	case got.Serial != t.sum.Serial:
		err = fmt.Errorf("its last serial number %d is not the %d that it says", got.Serial, t.sum.Serial)
	case got != t.sum:
		err = fmt.Errorf("its %d entries do not add up to what it says of its %d", got.Entries,
			t.sum.Entries)
	}
	if err != nil {
		return &DamagedError{Path: t.path, Err: err}
	}
	return nil
}

// checker holds every entry against its form and against the entries that it follows from.
type checker struct {
	*tx
	serials map[uint64]source.Key
}

func newChecker(t *tx) *checker { return &checker{t, map[uint64]source.Key{}} }

func (c *checker) all() error {
	for _, x := range []struct {
		bucket []byte
		check  func(k, v []byte) error
	}{
		{bucketSources, c.checkSource},
		{bucketEnds, c.checkEnd},
		{bucketFiles, c.checkFile},
		{bucketSightings, c.checkSighting},
		{bucketDefinitions, func(k, v []byte) error { return errors.Join(checkDefinitionKey(k), empty(v)) }},
		{bucketFirstLooks, c.checkFirstLook},
		{bucketWaiting, c.checkIndexed},
		{bucketBehind, c.checkIndexed},
	} {
		err := c.scan(x.bucket, nil, func(k, v []byte) error {
			err := x.check(k, v)
			if err != nil && !errors.As(err, new(*DamagedError)) {
				err = c.damaged(fmt.Sprintf("%s %q", x.bucket, k), err)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func empty(v []byte) error {
	if len(v) > 0 {
		return fmt.Errorf("it has a value of %d bytes, want none", len(v))
	}
	return nil
}

func (c *checker) checkSource(k, v []byte) error {
	key, err := parseKey(string(k))
	if err != nil {
		return err
	}
	s, err := decodeSource(v)
	if err != nil {
		return err
	}
	if other, twice := c.serials[s.Serial]; twice || s.Serial > c.sum.Serial {
		return fmt.Errorf("its serial number %d is not its own: last %d, source %s", s.Serial,
			c.sum.Serial, other)
	}
	c.serials[s.Serial] = key
	return c.checkIndex(key, s)
}

func (c *checker) checkEnd(k, v []byte) error {
	key, _, err := parseEndKey(k)
	if err != nil {
		return err
	}
	if c.get(bucketSources, []byte(key.String())) == nil {
		return errors.New("it is the end of a source that is not there")
	}
	_, err = decodeEnd(v)
	return err
}

func (c *checker) checkFile(k, v []byte) error {
	table, path, err := parseFileKey(k)
	if err != nil {
		return err
	}
	f, serial, err := decodeFile(path, v)
	if err == nil && (f.Key.Table.String() != table || serial == 0 || serial > c.sum.Serial) {
		err = fmt.Errorf("it is of source %s, serial number %d", f.Key, serial)
	}
	return err
}

func (c *checker) checkSighting(k, v []byte) error {
	key, err := parseKey(string(k))
	if err != nil {
		return err
	}
	if _, err := decodeSighting(key, v); err != nil {
		return err
	}
	return c.checkIndexOf(key)
}

func (c *checker) checkFirstLook(k, v []byte) error {
	_, err := parseTable(string(k))
	return errors.Join(err, empty(v))
}

func (c *checker) checkIndexed(k, v []byte) error {
	key, err := parseKey(string(k))
	if err == nil {
		err = c.checkIndexOf(key)
	}
	return errors.Join(err, empty(v))
}

func (c *checker) checkIndexOf(key source.Key) error {
	s, _, err := c.source(key)
	if err != nil {
		return err
	}
	return c.checkIndex(key, s)
}

// checkIndex returns an error when an index has a source that it should not have, or lacks one; s is nil
// where there is no source.
func (c *checker) checkIndex(key source.Key, s *Source) error {
	noted, _, err := c.noted(key)
	if err != nil {
		return err
	}
	for _, i := range []struct {
		bucket []byte
		want   bool
	}{
		{bucketWaiting, s != nil && len(s.Outbox) > 0},
		{bucketBehind, together(key, s, noted).behind()},
	} {
		if have := c.get(i.bucket, []byte(key.String())) != nil; have != i.want {
			return fmt.Errorf("among %s: %v, want %v", i.bucket, have, i.want)
		}
	}
	return nil
}
