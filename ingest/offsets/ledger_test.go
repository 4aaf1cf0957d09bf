package offsets

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

func testKey(name string) source.Key {
	return source.Key{
		Table: source.Table{Stream: "app", Version: 1},
		ID:    source.NewID("", "app", 0, []byte(name)),
	}
}

// openTest opens the ledger in dir and, at the end of the test, checks that what was left on disk
// is whole.
func openTest(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := Open(dir, Meta{Sink: "sink", Origin: "web-1"})
	require.NoError(t, err)
	t.Cleanup(func() {
		l.Close()
		require.NoError(t, Check(dir), "the ledger at the end of the test")
	})
	return l
}

// seal1 seals [0, 10) into the outbox.
func seal1(s *Source) error {
	s.Path = "/var/log/app.log"
	s.Sealed = pointAt(10)
	s.Outbox = []Entry{{Range: source.Range{Start: 0, End: 10}, Seal: source.Seal{1}, Spool: "x"}}
	s.AddEnd(s.Sealed)
	return nil
}

func pointAt(n int) source.Point {
	c := source.NewChain()
	c.Write(make([]byte, n))
	return c.Point()
}

func TestLedger_Open_MakesFoldersAndKeepsWriterID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	l, err := Open(dir, Meta{Sink: "sink", Origin: "web-1"})
	require.NoError(t, err)
	first := l.Meta()
	require.True(t, first.Created)
	require.True(t, l.Empty())
	require.Len(t, first.WriterID, 16)
	require.NoError(t, l.Close())

	again := openTest(t, dir).Meta()
	require.False(t, again.Created)
	again.Created = true
	require.Equal(t, first, again)
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, FileName), filepath.Join(dir, LockName)}, names)
}

func TestLedger_Update_IsSeenByGetAndAfterReopen(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Meta{Sink: "sink", Origin: "web-1"})
	require.NoError(t, err)
	key := testKey("one")
	_, ok, err := l.Get(key)
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, l.Update(key, func(s *Source) error {
		require.Equal(t, source.Origin(), s.Sealed)
		require.EqualValues(t, -1, s.LastStart)
		return seal1(s)
	}))
	want, ok, err := l.Get(key)
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 10, want.Highest)
	require.False(t, l.Empty())
	require.NoError(t, l.Close())

	l = openTest(t, dir)
	got, ok, err := l.Get(key)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, want, got)
	ends, err := l.Ends(key)
	require.NoError(t, err)
	require.Equal(t, []End{{10, pointAt(10).Chain}}, ends)
}

func TestLedger_Update_ErrorChangesNothing(t *testing.T) {
	l := openTest(t, t.TempDir())
	key := testKey("one")
	require.NoError(t, l.Update(key, seal1))
	want, _, err := l.Get(key)
	require.NoError(t, err)
	boom := errors.New("boom")
	for name, fn := range map[string]func(*Source) error{
		"an error of fn": func(s *Source) error {
			s.K = 7
			s.PutFile(FileRecord{Key: key})
			return boom
		},
		"a hole in the outbox": func(s *Source) error { s.Outbox = nil; return nil },
		"shipped past sealed":  func(s *Source) error { s.Shipped = 11; return nil },
		"a negative barrier":   func(s *Source) error { s.Barrier = -1; return nil },
		"an end of two chains": func(s *Source) error {
			s.K = 7
			s.AddEnd(source.Point{Offset: 10})
			return nil
		},
		"last start past shipped": func(s *Source) error { s.LastStart = 0; return nil },
		"a file of another table": func(s *Source) error {
			s.PutFile(FileRecord{Key: source.Key{Table: source.Table{Stream: "x"}}})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, l.Update(key, fn))
			got, _, err := l.Get(key)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
	require.Panics(t, func() { l.Update(key, func(*Source) error { panic("caller's bug") }) })
	require.NoError(t, l.Update(key, func(s *Source) error { s.K = 8; return nil }))
}

func TestLedger_Update_WithoutAChangeCommitsNothing(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	require.NoError(t, l.Update(testKey("one"), seal1))
	before, err := os.ReadFile(filepath.Join(dir, FileName))
	require.NoError(t, err)
	require.NoError(t, l.Update(testKey("one"), seal1))
	require.NoError(t, l.Delete(testKey("none")))
	after, err := os.ReadFile(filepath.Join(dir, FileName))
	require.NoError(t, err)
	require.True(t, string(before) == string(after), "the file changed")
}

func TestLedger_Keys_AreSortedAndOfOneTable(t *testing.T) {
	l := openTest(t, t.TempDir())
	var all []source.Key
	for _, table := range []source.Table{{Stream: "app", Version: 1}, {Stream: "app", Version: 10},
		{Stream: "app.x", Version: 1}} {
		for k := range 3 {
			key := source.Key{Table: table, ID: source.ID{byte(k)}}
			require.NoError(t, l.Update(key, seal1))
			all = append(all, key)
		}
	}
	got, err := l.Keys(source.Table{Stream: "app", Version: 1})
	require.NoError(t, err)
	require.Equal(t, all[:3], got)
	got, err = l.All()
	require.NoError(t, err)
	require.ElementsMatch(t, all, got)
	require.IsIncreasing(t, keyNames(got))
}

func keyNames(keys []source.Key) (names []string) {
	for _, k := range keys {
		names = append(names, k.String())
	}
	return names
}

func TestLedger_Delete_ForgetsEndsAndFiles(t *testing.T) {
	l := openTest(t, t.TempDir())
	one, two := testKey("one"), testKey("two")
	for _, key := range []source.Key{one, two} {
		require.NoError(t, l.Update(key, func(s *Source) error {
			s.PutFile(FileRecord{Path: "/logs/" + key.ID.String(), Key: key, Offset: 10})
			return seal1(s)
		}))
	}
	copied := FileRecord{Path: "/logs/\xff copy", Key: one, Duplicate: true, State: FileState{Size: 3}}
	require.NoError(t, l.PutFile(one.Table, copied))
	got, ok, err := l.GetFile(one.Table, copied.Path)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, copied, got)

	require.NoError(t, l.Delete(one))
	_, ok, err = l.Get(one)
	require.NoError(t, err)
	require.False(t, ok)
	ends, err := l.Ends(one)
	require.NoError(t, err)
	require.Empty(t, ends)
	for _, path := range []string{copied.Path, "/logs/" + one.ID.String()} {
		_, ok, err = l.GetFile(one.Table, path)
		require.NoError(t, err)
		require.False(t, ok, path)
	}
	_, ok, err = l.GetFile(two.Table, "/logs/"+two.ID.String())
	require.NoError(t, err)
	require.True(t, ok, "the other source's file")
	_, ok, err = l.GetFile(source.Table{Stream: "app", Version: 2}, "/logs/"+two.ID.String())
	require.NoError(t, err)
	require.False(t, ok, "another table's file")
}

func TestLedger_FailedCommit_RefusesFurtherUse(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Meta{})
	require.NoError(t, err)
	require.NoError(t, l.Update(testKey("one"), seal1))
	require.NoError(t, l.file.Close()) // every write from now on fails
	err = l.Update(testKey("two"), seal1)
	var failed *CommitError
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "outcome unknown")

	_, _, err = l.Get(testKey("one"))
	require.ErrorIs(t, err, ErrUnusable)
	require.ErrorIs(t, l.Update(testKey("one"), seal1), ErrUnusable)
	require.ErrorIs(t, l.Delete(testKey("one")), ErrUnusable)
	require.False(t, l.Empty(), "unknown is not empty")
	l.Close()

	l, err = Open(dir, Meta{})
	require.NoError(t, err)
	defer l.Close()
	keys, err := l.All()
	require.NoError(t, err)
	require.Equal(t, []source.Key{testKey("one")}, keys)
}

func TestLedger_Open_RefusesASecondWriterAndReader(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	var locked *LockedError
	_, err := Open(dir, Meta{Sink: "sink", Origin: "web-1"})
	require.ErrorAs(t, err, &locked)
	require.Equal(t, &LockedError{Dir: dir, Pid: os.Getpid()}, locked)
	require.ErrorContains(t, err, "process ")
	_, err = OpenReadOnly(dir)
	require.ErrorAs(t, err, &locked)
	_, err = Aside(dir)
	require.ErrorAs(t, err, &locked)
	require.ErrorAs(t, Check(dir), &locked)
	require.NoError(t, l.Close())

	r, err := OpenReadOnly(dir)
	require.NoError(t, err)
	again, err := OpenReadOnly(dir)
	require.NoError(t, err, "two readers")
	require.NoError(t, again.Close())
	require.Error(t, r.Update(testKey("one"), seal1), "a reader's change")
	require.NoError(t, r.Close())
}

func TestLedger_OpenReadOnly_CreatesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	_, err := OpenReadOnly(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, Check(dir), fs.ErrNotExist)
	require.NoDirExists(t, dir)
	require.NoError(t, os.Mkdir(dir, 0o755))
	_, err = OpenReadOnly(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestLedger_Open_RefusesAnotherOwners(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Meta{Sink: "/lake", Origin: "web-1"})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for _, c := range []struct{ want Meta }{
		{want: Meta{Sink: "/other", Origin: "web-1"}},
		{want: Meta{Sink: "/lake", Origin: "web-2"}},
		{want: Meta{Sink: "/lake"}},
	} {
		_, err := Open(dir, c.want)
		var mismatch *MismatchError
		require.ErrorAs(t, err, &mismatch)
		require.ErrorContains(t, err, "state rebuild")
	}
	l, err = Open(dir, Meta{Origin: "web-1"})
	require.NoError(t, err, "a sink that is not compared")
	require.NoError(t, l.Close())
}

func TestLedger_Aside_KeepsEveryOldFile(t *testing.T) {
	dir := t.TempDir()
	_, err := Aside(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, want := range []string{"ledger.db.aside-1", "ledger.db.aside-2"} {
		l, err := Open(dir, Meta{})
		require.NoError(t, err)
		require.True(t, l.Meta().Created)
		require.NoError(t, l.Close())
		got, err := Aside(dir)
		require.NoError(t, err)
		require.Equal(t, filepath.Join(dir, want), got)
		require.FileExists(t, got)
	}
}

func TestSource_RoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Source{
			K:         rapid.Uint64().Draw(t, "k"),
			Path:      string(rapid.SliceOf(rapid.Byte()).Draw(t, "path")),
			Shipped:   rapid.Int64Range(0, 1<<60).Draw(t, "shipped"),
			LastStart: -1,
			OpenEnd:   rapid.Bool().Draw(t, "open end"),
			File: FileState{Inode: rapid.Uint64().Draw(t, "inode"), MtimeNS: -1,
				Version: rapid.SampledFrom([]string{"", `"0cc1"`}).Draw(t, "version")},
		}
		at := s.Shipped
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			r := source.Range{Start: at, End: at + rapid.Int64Range(1, 1<<50).Draw(t, "len")}
			s.Outbox = append(s.Outbox, Entry{Range: r, Spool: "x"})
			at = r.End
		}
		s.Sealed = source.Point{Offset: at, Line: at}
		s.Highest = at
		b, err := encodeSource(s)
		require.NoError(t, err)
		got, err := decodeSource(b)
		require.NoError(t, err)
		require.Equal(t, s, got)
	})
}

// The bytes of a ledger's values are a stored format: a change of them is a new Format.
func TestSource_GoldenBytes(t *testing.T) {
	s := newSource()
	require.NoError(t, seal1(s))
	s.Highest = 10
	s.Path = "a\xff"
	s.Outbox[0].Range.Start, s.Shipped = 5, 5
	s.AddLost(source.Range{Start: 2, End: 5})
	s.File = FileState{Dev: 1, Inode: 2, Size: 3, MtimeNS: 4, CtimeNS: 5}
	b, err := encodeSource(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"k":0,"path":{"bytes":"Yf8="},
		"file":{"dev":1,"inode":2,"size":3,"mtime_ns":4,"ctime_ns":5},
		"marker":"0000000000000000000000000000000000000000000000000000000000000000",
		"sealed":{"offset":10,
			"chain":"01d448afd928065458cf670b60f5a594d735af0172c8d67f22a81680132681ca",
			"state":"6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19","line":0},
		"shipped":5,"last_start":-1,"highest":10,"open_end":false,
		"outbox":[{"range":"0000000000000005-000000000000000a","seal":"0100000000000000","spool":"x",
			"state":"0000000000000000000000000000000000000000000000000000000000000000"}],
		"lost":["0000000000000002-0000000000000005"],
		"lower_refuted":false,"barrier":0}`, string(b))
	_, err = decodeSource(append(b[:len(b)-1], `,"new":1}`...))
	require.ErrorContains(t, err, "unknown field")
}
