package offsets

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"logseal/ingest/source"
)

// bigLedger makes a ledger of many pages: branches, overflow, and a list of free ones.
func bigLedger(t testing.TB, dir string) *Ledger {
	l, err := Open(dir, Meta{Sink: "sink"})
	require.NoError(t, err)
	for i := range 10 {
		require.NoError(t, l.Update(testKey(fmt.Sprint(i)), func(s *Source) error {
			s.Path = strings.Repeat("x", 400) // a value that fills pages
			s.PutFile(FileRecord{Path: fmt.Sprint("/logs/", i), Key: testKey(fmt.Sprint(i))})
			return seal1(s)
		}))
	}
	for i := range 3 {
		require.NoError(t, l.PutSightings(Sighting{Key: testKey(fmt.Sprint(i)), Path: "/a", Size: 20}))
	}
	require.NoError(t, l.Accept(testKey("1").Table, source.Digest{1}))
	require.NoError(t, l.SetFirstLook(testKey("1").Table, true))
	require.NoError(t, l.Update(testKey("long"), func(s *Source) error {
		err := seal1(s)
		s.Path = strings.Repeat("x", 3*pageSize) // and one that needs more than one
		return err
	}))
	return l
}

// snapshot is all that a ledger holds.
type snapshot struct {
	Sources  map[string]*Source
	Ends     map[string][]End
	Files    map[string]FileRecord
	Behind   []Sighting
	Waiting  []source.Key
	Accepted bool
	First    bool
}

func snapshotOf(t require.TestingT, l *Ledger) snapshot {
	s := snapshot{Sources: map[string]*Source{}, Ends: map[string][]End{},
		Files: map[string]FileRecord{}}
	keys, err := l.All()
	require.NoError(t, err)
	for _, key := range keys {
		name := key.String()
		s.Sources[name], _, err = l.Get(key)
		require.NoError(t, err)
		s.Ends[name], err = l.Ends(key)
		require.NoError(t, err)
	}
	table := testKey("1").Table
	for i := range 10 {
		path := fmt.Sprint("/logs/", i)
		s.Files[path], _, err = l.GetFile(table, path)
		require.NoError(t, err)
	}
	s.Behind, err = l.Behind()
	require.NoError(t, err)
	s.Waiting, err = l.Waiting()
	require.NoError(t, err)
	s.Accepted, err = l.Accepted(table, source.Digest{1})
	require.NoError(t, err)
	s.First, err = l.FirstLook(table)
	require.NoError(t, err)
	return s
}

// damaged is a ledger's file to damage, with the states that it may open in: the newest and, as
// its newest meta page may be what is damaged, the one before.
type damaged struct {
	file   []byte
	states []snapshot
	opened int // how many damaged files did
}

func newDamaged(t *testing.T) *damaged {
	dir := t.TempDir()
	l := bigLedger(t, dir)
	d := &damaged{}
	d.states = append(d.states, snapshotOf(t, l))
	require.NoError(t, l.Update(testKey("1"), func(s *Source) error { s.K = 99; return nil }))
	d.states = append(d.states, snapshotOf(t, l))
	require.NoError(t, l.Close())
	var err error
	d.file, err = os.ReadFile(ledgerPath(dir))
	require.NoError(t, err)
	require.NoError(t, Check(dir))
	return d
}

// requireErrorOrRight opens a damaged file. A crash of the test process is a failure too.
func (d *damaged) requireErrorOrRight(t require.TestingT, dir string, file []byte,
	what string) error {
	require.NoError(t, os.WriteFile(ledgerPath(dir), file, 0o644))
	l, err := Open(dir, Meta{Sink: "sink"})
	after, rerr := os.ReadFile(ledgerPath(dir))
	require.NoError(t, rerr)
	require.True(t, bytes.Equal(after, file), "%s: open changed the file", what)
	if err != nil {
		var bad *DamagedError
		var other *MismatchError
		require.True(t, errors.As(err, &bad) || errors.As(err, &other), "%s: %v", what, err)
		require.ErrorContains(t, err, ledgerPath(dir), what)
		require.ErrorContains(t, err, "state rebuild", what)
		return err
	}
	defer l.Close()
	require.False(t, l.Meta().Created, what)
	require.Contains(t, d.states, snapshotOf(t, l), "%s: opened with other content", what)
	// What opened must also stand a change, which uses the list of free pages. It is slow (fsync).
	if d.opened++; d.opened%changeStep != 0 {
		return nil
	}
	require.NoError(t, l.Update(testKey("new"), seal1), what)
	require.NoError(t, l.Close())
	require.NoError(t, Check(dir), what)
	return nil
}

func TestLedger_Open_OfACutOffFile(t *testing.T) {
	d := newDamaged(t)
	dir := t.TempDir()
	require.GreaterOrEqual(t, len(d.file), 16*pageSize)
	for size := 0; size < len(d.file); size += 512 {
		err := d.requireErrorOrRight(t, dir, d.file[:size], fmt.Sprintf("cut off at %d", size))
		require.True(t, err != nil || size%pageSize == 0 && size >= 4*pageSize, "at %d", size)
	}
}

func TestLedger_Open_OfAFileWithHoles(t *testing.T) {
	d := newDamaged(t)
	dir := t.TempDir()
	for at := 0; at < len(d.file); at += pageSize {
		file := bytes.Clone(d.file)
		clear(file[at : at+pageSize])
		d.requireErrorOrRight(t, dir, file, fmt.Sprintf("zeroes at %d", at))
	}
}

func TestLedger_Open_OfSwappedPages(t *testing.T) {
	d := newDamaged(t)
	dir := t.TempDir()
	for at := pageSize; at < len(d.file); at += pageSize {
		file := bytes.Clone(d.file)
		copy(file[at-pageSize:], d.file[at:at+pageSize])
		copy(file[at:], d.file[at-pageSize:at])
		d.requireErrorOrRight(t, dir, file, fmt.Sprintf("pages swapped at %d", at))
	}
}

func TestLedger_Open_OfFlippedBytes(t *testing.T) {
	d := newDamaged(t)
	dir := t.TempDir()
	var right, refused int
	for at := range d.file {
		if at%flipStep != 0 && (at%pageSize >= flipHeads || at >= flipHeadPages*pageSize) {
			continue
		}
		file := bytes.Clone(d.file)
		flip := byte(1) << (at % 8)
		file[at] ^= flip
		if d.requireErrorOrRight(t, dir, file, fmt.Sprintf("byte %d ^ %#x", at, flip)) == nil {
			right++
		} else {
			refused++
		}
	}
	require.NotZero(t, right)
	require.NotZero(t, refused)
}

func TestLedger_Open_OfWhatIsNoLedger(t *testing.T) {
	other := func(page int, bucket string) []byte {
		path := filepath.Join(t.TempDir(), "other.db")
		db, err := bbolt.Open(path, 0o644, &bbolt.Options{PageSize: page})
		require.NoError(t, err)
		require.NoError(t, db.Update(func(b *bbolt.Tx) error {
			m, err := b.CreateBucketIfNotExists([]byte(bucket))
			if err != nil {
				return err
			}
			return m.Put([]byte("ledger"), []byte(`{"format":2,"writer_id":"x"}`))
		}))
		require.NoError(t, db.Close())
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		return b
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":                       {nil, "is damaged: it is cut off at 0 bytes"},
		"8 KiB":                         {make([]byte, 8192), "is damaged: it is cut off at 8192"},
		"zeroes":                        {make([]byte, 40000), "page 0 is no meta page"},
		"another program's":             {other(pageSize, "users"), `for format "another program's`},
		"another program's, page 16384": {other(16384, "meta"), `for format "another program's`},
		"another format":                {other(pageSize, "meta"), `for format "2", not "1"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(ledgerPath(dir), c.file, 0o644))
			for _, open := range []func() error{
				func() error { _, err := Open(dir, Meta{}); return err },
				func() error { _, err := OpenReadOnly(dir); return err },
				func() error { return Check(dir) },
			} {
				err := open()
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "state rebuild")
			}
			got, err := os.ReadFile(ledgerPath(dir))
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.file, got), "it was changed")
		})
	}
}

func TestLedger_Open_OfNoFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(ledgerPath(dir), 0o755))
	_, err := Open(dir, Meta{})
	require.ErrorContains(t, err, "no regular file")
	require.NoError(t, os.Remove(ledgerPath(dir)))
	require.NoError(t, os.Symlink("/nowhere/at/all", ledgerPath(dir)))
	_, err = Open(dir, Meta{})
	require.ErrorAs(t, err, new(*DamagedError), "a dangling link is no reason to start empty")
}

// The sum finds what bbolt cannot: entries that are well formed but not what was written.
func TestLedger_Open_OfChangedEntries(t *testing.T) {
	key := []byte(testKey("1").String())
	for name, change := range map[string]func(b *bbolt.Tx) error{
		"a source lost": func(b *bbolt.Tx) error { return b.Bucket(bucketSources).Delete(key) },
		"an end lost": func(b *bbolt.Tx) error {
			return b.Bucket(bucketEnds).Delete(endKey(testKey("1"), 10))
		},
		"a file lost": func(b *bbolt.Tx) error {
			return b.Bucket(bucketFiles).Delete(fileKey(testKey("1").Table, "/logs/1"))
		},
		"a sighting lost": func(b *bbolt.Tx) error { return b.Bucket(bucketSightings).Delete(key) },
		"not waiting":     func(b *bbolt.Tx) error { return b.Bucket(bucketWaiting).Delete(key) },
		"not behind":      func(b *bbolt.Tx) error { return b.Bucket(bucketBehind).Delete(key) },
		"a serial given":  func(b *bbolt.Tx) error { return b.Bucket(bucketSources).SetSequence(99) },
		"no first look now": func(b *bbolt.Tx) error {
			return b.Bucket(bucketFirstLooks).Delete([]byte("app/v1"))
		},
		"a source as it was": func(b *bbolt.Tx) error {
			old, err := encodeSource(newSource())
			return errors.Join(err, b.Bucket(bucketSources).Put(key, old))
		},
		"a source under another name": func(b *bbolt.Tx) error {
			v := bytes.Clone(b.Bucket(bucketSources).Get(key))
			name := []byte(testKey("other").String())
			return errors.Join(b.Bucket(bucketSources).Put(name, v),
				b.Bucket(bucketSources).Delete(key))
		},
		"no JSON": func(b *bbolt.Tx) error { return b.Bucket(bucketSources).Put(key, []byte("{")) },
		"no source name": func(b *bbolt.Tx) error {
			return b.Bucket(bucketSources).Put([]byte("x"), nil)
		},
		"a bucket more": func(b *bbolt.Tx) error { _, err := b.CreateBucket([]byte("x")); return err },
		"a bucket less": func(b *bbolt.Tx) error { return b.DeleteBucket(bucketFiles) },
		"an owner changed": func(b *bbolt.Tx) error {
			m, err := encode(storedMeta{Format: Format, WriterID: "x", Sink: "sink"})
			return errors.Join(err, b.Bucket(bucketMeta).Put(keyMeta, m))
		},
		"no sum": func(b *bbolt.Tx) error { return b.Bucket(bucketMeta).Delete(keySum) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, bigLedger(t, dir).Close())
			db, err := bbolt.Open(ledgerPath(dir), 0o644, nil)
			require.NoError(t, err)
			require.NoError(t, db.Update(change))
			require.NoError(t, db.Close())
			var bad *DamagedError
			_, err = Open(dir, Meta{Sink: "sink"})
			require.ErrorAs(t, err, &bad)
			require.ErrorAs(t, Check(dir), &bad)
		})
	}
}

// Whatever the bytes: no crash, and what opens can be read and changed.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	l := bigLedger(f, dir)
	require.NoError(f, l.Close())
	file, err := os.ReadFile(ledgerPath(dir))
	require.NoError(f, err)
	f.Add(16, []byte{1}, 3)
	f.Fuzz(func(t *testing.T, at int, change []byte, page int) {
		b := bytes.Clone(file)
		if at >= 0 && at < len(b) {
			copy(b[at:], change)
		}
		if page >= 2 && page < len(b)/pageSize {
			copy(b[page*pageSize+8:], change)
		}
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(ledgerPath(dir), b, 0o644))
		l, err := Open(dir, Meta{Sink: "sink"})
		if err == nil {
			snapshotOf(t, l)
			require.NoError(t, l.Update(testKey("new"), seal1))
			require.NoError(t, l.Close())
		}
	})
}
