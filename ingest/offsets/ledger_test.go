package offsets

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

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
	s.AddEnd(s.Sealed.Mark())
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
	require.Equal(t, []End{pointAt(10).Mark()}, ends)
	require.NoError(t, l.db.view(func(tx *tx) error {
		chain := pointAt(10).Chain
		require.Equal(t, chain[:], tx.get(bucketEnds, []byte(key.String()+"/000000000000000a")))
		return nil
	}))
}

func TestLedger_Update_ForgetsEndsAfterALoweredOffset(t *testing.T) {
	l := openTest(t, t.TempDir())
	key := testKey("one")
	require.NoError(t, l.Update(key, seal1))
	require.NoError(t, l.Update(key, func(s *Source) error {
		s.Sealed, s.Outbox = source.Origin(), nil
		return nil
	}))
	ends, err := l.Ends(key)
	require.NoError(t, err)
	require.Empty(t, ends)
	require.NoError(t, l.Update(key, func(s *Source) error {
		s.AddEnd(End{Offset: 10, Chain: source.Digest{1}})
		return nil
	}), "the source may have gone on otherwise")
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
			s.AddEnd(End{Offset: 10})
			return nil
		},
		"last start past shipped": func(s *Source) error { s.LastStart = 0; return nil },
		"a file of a source that is not there": func(s *Source) error {
			s.PutFile(FileRecord{Key: testKey("other")})
			return nil
		},
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

func TestLedger_All_IsSorted(t *testing.T) {
	l := openTest(t, t.TempDir())
	want := manyKeys()
	require.NoError(t, l.UpdateAll(want, sealOf))
	got, err := l.All()
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
	require.IsIncreasing(t, keyNames(got))
}

// manyKeys has tables and origins of which some names begin as others do.
func manyKeys() (all []source.Key) {
	for _, table := range []source.Table{{Stream: "app", Version: 1}, {Stream: "app", Version: 10},
		{Stream: "app.x", Version: 1}} {
		for _, origin := range []string{"", "web-1", "web-1.x", "web-10"} {
			for k := range 3 {
				all = append(all, source.Key{Table: table, Origin: origin, ID: source.ID{byte(k)}})
			}
		}
	}
	return all
}

func sealOf(_ source.Key, s *Source) error { return seal1(s) }

func keyNames(keys []source.Key) (names []string) {
	for _, k := range keys {
		names = append(names, k.String())
	}
	return names
}

func TestLedger_Delete_ForgetsAllOfASource(t *testing.T) {
	l := openTest(t, t.TempDir())
	one, two := testKey("one"), testKey("two")
	for _, key := range []source.Key{one, two} {
		require.NoError(t, l.Update(key, seal1))
		require.NoError(t, l.PutSightings(Sighting{Key: key, Path: "/logs/a", Size: 20}))
	}
	require.NoError(t, l.Delete(one))
	_, ok, err := l.Get(one)
	require.NoError(t, err)
	require.False(t, ok)
	ends, err := l.Ends(one)
	require.NoError(t, err)
	require.Empty(t, ends)
	_, ok, err = l.Sighting(one)
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, []source.Key{two}, waiting(t, l))
	require.Equal(t, []source.Key{two}, behind(t, l))
}

// Whoever looked before a source was given up and changes it now must not bring it back, empty: its
// key would be taken for good.
func TestLedger_Update_DoesNotMakeASourceOfNothing(t *testing.T) {
	l := openTest(t, t.TempDir())
	err := l.Update(testKey("one"), func(s *Source) error { s.Lost = nil; return nil })
	require.ErrorIs(t, err, ErrNoSource)
	require.True(t, l.Empty())
}

func TestLedger_Update_GivesSerialsOnce(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	seen := map[uint64]bool{}
	var kept *Source
	for range 3 {
		require.NoError(t, l.Update(testKey("one"), func(s *Source) error {
			require.Zero(t, s.Serial, "a source that is not there yet")
			kept = s
			return seal1(s)
		}))
		require.False(t, seen[kept.Serial], "%d was given before", kept.Serial)
		seen[kept.Serial] = true
		require.NoError(t, l.Update(testKey("one"), func(s *Source) error {
			require.Equal(t, kept.Serial, s.Serial)
			s.Serial = 99 // is the ledger's to say
			return nil
		}))
		got, _, err := l.Get(testKey("one"))
		require.NoError(t, err)
		require.Equal(t, kept.Serial, got.Serial)
		require.NoError(t, l.Delete(testKey("one")))
		require.NoError(t, l.Close())
		l = openTest(t, dir)
	}
}

func TestLedger_UpdateAll_ChangesAllOrNone(t *testing.T) {
	l := openTest(t, t.TempDir())
	keys := []source.Key{testKey("one"), testKey("two")}
	boom := errors.New("boom")
	require.ErrorIs(t, l.UpdateAll(keys, func(key source.Key, s *Source) error {
		if key == keys[1] {
			return boom
		}
		return seal1(s)
	}), boom)
	require.True(t, l.Empty())
	require.NoError(t, l.UpdateAll(keys, sealOf))
	require.ElementsMatch(t, keys, waiting(t, l))
}

func TestLedger_FailedCommit_RefusesFurtherUse(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(dir, Meta{})
	require.NoError(t, err)
	require.NoError(t, l.Update(testKey("one"), seal1))
	require.NoError(t, l.db.file.Close()) // every write from now on fails
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
		{want: Meta{Sink: "/lake", Origin: source.NoOrigin}},
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
