package offsets

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

func TestLedger_GetFile_GivesWhatWasPut(t *testing.T) {
	l := openTest(t, t.TempDir())
	one := testKey("one")
	inUpdate := FileRecord{Path: "/logs/a", Key: one, Offset: 10, Chain: pointAt(10).Chain}
	copied := FileRecord{Path: "/logs/\xff copy", Key: one, Offset: 4, Chain: pointAt(4).Chain,
		State: FileState{Size: 3}}
	require.NoError(t, l.Update(one, func(s *Source) error {
		s.PutFile(inUpdate)
		s.AddEnd(pointAt(4).Mark())
		return seal1(s)
	}))
	require.NoError(t, l.PutFile(one.Table, copied))
	for _, want := range []FileRecord{inUpdate, copied} {
		got, ok, err := l.GetFile(one.Table, want.Path)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	requireNoFile(t, l, source.Table{Stream: "app", Version: 2}, copied.Path)
	requireNoFile(t, l, one.Table, "/logs/other")
}

func TestLedger_PutFile_OfNoSourceIsRefused(t *testing.T) {
	l := openTest(t, t.TempDir())
	one, two := testKey("one"), testKey("two")
	require.NoError(t, l.Update(one, seal1))
	err := l.PutFile(one.Table, FileRecord{Path: "/1", Key: one}, FileRecord{Path: "/2", Key: two})
	require.ErrorIs(t, err, ErrNoSource)
	requireNoFile(t, l, one.Table, "/1")
}

// A key is given up, and another file takes it. What was remembered of the files that were the first
// source says nothing about the second, whose bytes are others.
func TestLedger_GetFile_AfterAnotherFileTookTheKey(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	one, two := testKey("one"), testKey("two")
	old := FileRecord{Path: "/logs/old", Key: one, Offset: 10, Chain: pointAt(10).Chain}
	for _, key := range []source.Key{one, two} {
		require.NoError(t, l.Update(key, func(s *Source) error {
			s.PutFile(FileRecord{Path: "/logs/" + key.ID.String(), Key: key, Offset: 10, Chain: pointAt(10).Chain})
			return seal1(s)
		}))
	}
	require.NoError(t, l.PutFile(one.Table, old))
	require.NoError(t, l.Delete(one))
	requireNoFile(t, l, one.Table, old.Path)
	requireNoFile(t, l, one.Table, "/logs/"+one.ID.String())

	require.NoError(t, l.Update(one, func(s *Source) error {
		s.PutFile(FileRecord{Path: "/logs/new", Key: one, Offset: 10, Chain: pointAt(10).Chain})
		return seal1(s)
	}))
	for range 2 {
		requireNoFile(t, l, one.Table, old.Path)
		for _, path := range []string{"/logs/new", "/logs/" + two.ID.String()} {
			_, ok, err := l.GetFile(one.Table, path)
			require.NoError(t, err)
			require.True(t, ok, path)
		}
		require.NoError(t, l.Close())
		l = openTest(t, dir)
	}
	require.NoError(t, l.PutFile(one.Table, old))
	_, ok, err := l.GetFile(one.Table, old.Path)
	require.NoError(t, err)
	require.True(t, ok, "it was read again, and is the new source")
}

func requireNoFile(t *testing.T, l *Ledger, table source.Table, path string) {
	t.Helper()
	_, ok, err := l.GetFile(table, path)
	require.NoError(t, err)
	require.False(t, ok, path)
}

// The source went on otherwise than the file that was remembered as it: another writer's batch won.
func TestLedger_GetFile_AfterTheSourceWentOnOtherwise(t *testing.T) {
	l := openTest(t, t.TempDir())
	key := testKey("one")
	f := FileRecord{Path: "/logs/a", Key: key, Offset: 10, Chain: pointAt(10).Chain}
	require.NoError(t, l.Update(key, func(s *Source) error {
		s.PutFile(f)
		return seal1(s)
	}))
	other := source.Point{Offset: 20, Chain: source.Digest{1}, Line: 20}
	require.NoError(t, l.Update(key, func(s *Source) error {
		s.Sealed, s.Outbox = pointAt(4), []Entry{{Range: source.Range{End: 4}, Spool: "x"}}
		return nil
	}))
	requireNoFile(t, l, key.Table, f.Path)
	require.NoError(t, l.Update(key, func(s *Source) error {
		s.Sealed, s.Outbox = other, []Entry{{Range: source.Range{End: 20}, Spool: "x"}}
		s.AddEnd(other.Mark())
		return nil
	}))
	requireNoFile(t, l, key.Table, f.Path)
}
