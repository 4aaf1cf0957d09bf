package offsets

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"logseal/ingest/source"
)

// The buckets, and the two keys of the first.
var (
	bucketMeta    = []byte("meta")
	bucketSources = []byte("sources")
	bucketEnds    = []byte("ends")
	bucketFiles   = []byte("files")

	keyMeta = []byte("ledger")
	keySum  = []byte("sum")
)

var buckets = [][]byte{bucketMeta, bucketSources, bucketEnds, bucketFiles}

// sum proves the whole content: bbolt's data pages carry no checksum, so without it a flipped bit
// would be another offset. It is kept up to date by every transaction and compared at every open.
type sum struct {
	Entries int64  `json:"entries"`
	Xor     uint64 `json:"xor"` // of the hashes of all entries but itself
}

func (s *sum) flip(bucket, key, value []byte, entries int64) {
	h := sha256.New()
	for _, b := range [][]byte{bucket, key, value} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	s.Xor ^= binary.BigEndian.Uint64(h.Sum(nil))
	s.Entries += entries
}

// tx is a transaction that keeps the sum.
type tx struct {
	bolt    *bbolt.Tx
	sum     sum
	changed bool
}

// begin makes a tx of b. Its errors are damage.
func begin(b *bbolt.Tx) (*tx, error) {
	t := &tx{bolt: b}
	for _, name := range buckets {
		if b.Bucket(name) == nil {
			return nil, fmt.Errorf("it has no bucket %q", name)
		}
	}
	if err := decode(t.get(bucketMeta, keySum), &t.sum); err != nil {
		return nil, fmt.Errorf("read its sum: %w", err)
	}
	return t, nil
}

// get returns the value at key, nil for none. It is valid until the transaction ends.
func (t *tx) get(bucket, key []byte) []byte { return t.bolt.Bucket(bucket).Get(key) }

func (t *tx) put(bucket, key, value []byte) error {
	old := t.get(bucket, key)
	if old != nil {
		if bytes.Equal(old, value) {
			return nil
		}
		t.sum.flip(bucket, key, old, -1)
	}
	t.changed = true
	t.sum.flip(bucket, key, value, 1)
	return t.bolt.Bucket(bucket).Put(key, value)
}

func (t *tx) delete(bucket, key []byte) error {
	old := t.get(bucket, key)
	if old == nil {
		return nil
	}
	t.changed = true
	t.sum.flip(bucket, key, old, -1)
	return t.bolt.Bucket(bucket).Delete(key)
}

// putSum is the last change of a transaction.
func (t *tx) putSum() error {
	b, err := encode(t.sum)
	if err != nil {
		return err
	}
	return t.bolt.Bucket(bucketMeta).Put(keySum, b)
}

// scan calls fn with the entries whose keys begin with prefix, in their order.
func (t *tx) scan(bucket, prefix []byte, fn func(key, value []byte) error) error {
	c := t.bolt.Bucket(bucket).Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if err := fn(k, v); err != nil {
			return err
		}
	}
	return nil
}

// check reads every entry. Its errors are damage.
func (t *tx) check() error {
	var got sum
	err := t.bolt.ForEach(func(bucket []byte, b *bbolt.Bucket) error {
		if !slices.ContainsFunc(buckets, func(b []byte) bool { return bytes.Equal(b, bucket) }) {
			return fmt.Errorf("it has an unknown bucket %q", bucket)
		}
		return b.ForEach(func(k, v []byte) error {
			if err := checkEntry(bucket, k, v); err != nil {
				return fmt.Errorf("%s %q: %w", bucket, k, err)
			}
			if !bytes.Equal(bucket, bucketMeta) || !bytes.Equal(k, keySum) {
				got.flip(bucket, k, v, 1)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if got != t.sum {
		return fmt.Errorf("its %d entries do not add up to what it says of its %d", got.Entries,
			t.sum.Entries)
	}
	return nil
}

func checkEntry(bucket, k, v []byte) (err error) {
	switch {
	case bytes.Equal(bucket, bucketSources):
		if _, err = parseKey(string(k)); err == nil {
			_, err = decodeSource(v)
		}
	case bytes.Equal(bucket, bucketEnds):
		if _, _, err = parseEndKey(k); err == nil {
			_, err = decodeEnd(v)
		}
	case bytes.Equal(bucket, bucketFiles):
		var path string
		if _, path, err = parseFileKey(k); err == nil {
			_, err = decodeFile(path, v)
		}
	}
	return err
}

// source returns the source at key; false when there is none.
func (t *tx) source(key source.Key) (*Source, bool, error) {
	b := t.get(bucketSources, []byte(key.String()))
	if b == nil {
		return nil, false, nil
	}
	s, err := decodeSource(b)
	if err != nil {
		return nil, false, fmt.Errorf("source %s: %w", key, err)
	}
	return s, true, nil
}

// putSource stores what an Update made of a source.
func (t *tx) putSource(key source.Key, s *Source) error {
	b, err := encodeSource(s)
	if err != nil {
		return err
	}
	if err := t.put(bucketSources, []byte(key.String()), b); err != nil {
		return err
	}
	for _, p := range s.ends {
		if err := t.putEnd(key, p); err != nil {
			return err
		}
	}
	for _, f := range s.files {
		if err := t.putFile(key.Table, f); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) putEnd(key source.Key, p source.Point) error {
	b, err := encode(storedEnd{p.Chain})
	if err != nil {
		return err
	}
	name := endKey(key, p.Offset)
	if old := t.get(bucketEnds, name); old != nil && !bytes.Equal(old, b) {
		return fmt.Errorf("add end %d: it has another chain already", p.Offset)
	}
	return t.put(bucketEnds, name, b)
}

func (t *tx) putFile(table source.Table, f FileRecord) error {
	if f.Key.Table != table {
		return fmt.Errorf("remember file %s: its source %s is not of table %s", f.Path, f.Key, table)
	}
	b, err := encodeFile(f)
	if err != nil {
		return err
	}
	return t.put(bucketFiles, fileKey(table, f.Path), b)
}

// forget deletes a source with all that hangs on it.
func (t *tx) forget(key source.Key) error {
	if err := t.delete(bucketSources, []byte(key.String())); err != nil {
		return err
	}
	var names [][]byte // collected first: a cursor does not stand changes under it
	collect := func(k, _ []byte) error { names = append(names, bytes.Clone(k)); return nil }
	if err := t.scan(bucketEnds, []byte(key.String()+"/"), collect); err != nil {
		return err
	}
	ends := len(names)
	err := t.scan(bucketFiles, fileKey(key.Table, ""), func(k, v []byte) error {
		f, err := decodeFile("", v)
		if err == nil && f.Key == key {
			err = collect(k, nil)
		}
		return err
	})
	for i, name := range names {
		bucket := bucketEnds
		if i >= ends {
			bucket = bucketFiles
		}
		err = errors.Join(err, t.delete(bucket, name))
	}
	return err
}
