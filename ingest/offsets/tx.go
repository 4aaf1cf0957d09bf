package offsets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"go.etcd.io/bbolt"

	"logseal/ingest/source"
)

// The buckets, and the two keys of the first. What each holds is in docs/format.md.
var (
	bucketMeta        = []byte("meta")
	bucketSources     = []byte("sources")
	bucketEnds        = []byte("ends")
	bucketFiles       = []byte("files")
	bucketSightings   = []byte("sightings")
	bucketDefinitions = []byte("definitions")
	bucketFirstLooks  = []byte("first_looks")
	bucketWaiting     = []byte("waiting")
	bucketBehind      = []byte("behind")

	keyMeta = []byte("ledger")
	keySum  = []byte("sum")
)

var buckets = [][]byte{bucketMeta, bucketSources, bucketEnds, bucketFiles, bucketSightings,
	bucketDefinitions, bucketFirstLooks, bucketWaiting, bucketBehind}

// sum proves the whole content: bbolt's data pages carry no checksum, so without it a flipped bit
// would be another offset. It is kept up to date by every transaction and compared at every open. It
// guards against accidents; who can write the file can make the sum right.
type sum struct {
	Entries int64  `json:"entries"`
	Xor     uint64 `json:"xor"`    // of the hashes of all entries but itself
	Serial  uint64 `json:"serial"` // the last that a source got: the sequence of the sources' bucket
}

func (s *sum) flip(bucket, key, value []byte, entries int64) {
	var lens [16]byte
	binary.BigEndian.PutUint64(lens[:8], uint64(len(bucket)))
	binary.BigEndian.PutUint64(lens[8:], uint64(len(key)))
	var h xxhash.Digest
	h.Reset()
	for _, b := range [][]byte{lens[:], bucket, key, value} {
		h.Write(b)
	}
	s.Xor ^= h.Sum64()
	s.Entries += entries
}

// tx is a transaction that keeps the sum.
type tx struct {
	path    string // of the ledger
	bolt    *bbolt.Tx
	sum     sum
	changed bool
}

// begin makes a tx of b.
func begin(path string, b *bbolt.Tx) (*tx, error) {
	t := &tx{path: path, bolt: b}
	for _, name := range buckets {
		if b.Bucket(name) == nil {
			return nil, &DamagedError{Path: path, Err: fmt.Errorf("it has no bucket %q", name)}
		}
	}
	if err := decode(t.get(bucketMeta, keySum), &t.sum); err != nil {
		return nil, t.damaged("read its sum", err)
	}
	return t, nil
}

// damaged says that what stands in the ledger was not written by this program.
func (t *tx) damaged(what string, err error) error {
	return &DamagedError{Path: t.path, Err: fmt.Errorf("%s: %w", what, err)}
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

// source returns the source at key; false when there is none.
func (t *tx) source(key source.Key) (*Source, bool, error) {
	b := t.get(bucketSources, []byte(key.String()))
	if b == nil {
		return nil, false, nil
	}
	s, err := decodeSource(b)
	if err != nil {
		return nil, false, t.damaged("source "+key.String(), err)
	}
	return s, true, nil
}

// update lets fn change the source at key, or make it.
func (t *tx) update(key source.Key, fn func(s *Source) error) error {
	s, ok, err := t.source(key)
	if err != nil {
		return err
	}
	if !ok {
		s = newSource()
	}
	serial, sealed := s.Serial, s.Sealed.Offset
	if err := fn(s); err != nil {
		return err
	}
	if s.Sealed.Offset < sealed {
		// What follows may be other bytes than those that were sealed there.
		if err := t.forgetEnds(key, s.Sealed.Offset); err != nil {
			return err
		}
	}
	if !ok {
		// Whoever looked before the source was given up and changes it now has nothing sealed of it.
		if s.Sealed.Offset == 0 {
			return ErrNoSource
		}
		if serial, err = t.nextSerial(); err != nil {
			return err
		}
	}
	s.Serial = serial
	s.Highest = max(s.Highest, s.Sealed.Offset)
	if err := s.Validate(); err != nil {
		return err
	}
	return t.putSource(key, s)
}

func (t *tx) nextSerial() (uint64, error) {
	n, err := t.bolt.Bucket(bucketSources).NextSequence()
	t.sum.Serial = n
	return n, err
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
	noted, _, err := t.noted(key)
	if err != nil {
		return err
	}
	if err := t.index(key, s, noted); err != nil {
		return err
	}
	for _, e := range s.ends {
		if err := t.putEnd(key, e); err != nil {
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

func (t *tx) putEnd(key source.Key, e End) error {
	name := endKey(key, e.Offset)
	if old := t.get(bucketEnds, name); old != nil && !bytes.Equal(old, e.Chain[:]) {
		return fmt.Errorf("add end %d: it has another chain already", e.Offset)
	}
	return t.put(bucketEnds, name, e.Chain[:])
}

// forget deletes a source with all that hangs on it.
func (t *tx) forget(key source.Key) error {
	name := []byte(key.String())
	for _, bucket := range [][]byte{bucketSources, bucketSightings} {
		if err := t.delete(bucket, name); err != nil {
			return err
		}
	}
	if err := t.index(key, nil, Sighting{}); err != nil {
		return err
	}
	return t.forgetEnds(key, -1)
}

// forgetEnds deletes the ends of a source after an offset.
func (t *tx) forgetEnds(key source.Key, after int64) error {
	var ends [][]byte // collected first: a cursor does not stand changes under it
	err := t.scan(bucketEnds, []byte(key.String()+"/"), func(k, _ []byte) error {
		_, off, err := parseEndKey(k)
		if err == nil && off > after {
			ends = append(ends, bytes.Clone(k))
		}
		return err
	})
	for _, k := range ends {
		err = errors.Join(err, t.delete(bucketEnds, k))
	}
	return err
}

// index brings the indices up to date with a source and with what was noted of its file: nil and zero
// for none. Whatever changes either does so through putSource, putSighting, ForgetSighting or forget,
// which call it.
func (t *tx) index(key source.Key, s *Source, noted Sighting) error {
	name := []byte(key.String())
	if err := t.mark(bucketWaiting, name, s != nil && len(s.Outbox) > 0); err != nil {
		return err
	}
	return t.mark(bucketBehind, name, together(key, s, noted).behind())
}

// mark makes a key stand in a bucket without values, or not.
func (t *tx) mark(bucket, key []byte, there bool) error {
	if there {
		return t.put(bucket, key, []byte{})
	}
	return t.delete(bucket, key)
}
