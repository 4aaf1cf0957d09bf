package spool

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openTest(t testing.TB) *Spool {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "state", "spool"), 0)
	require.NoError(t, err)
	_, err = s.Recover()
	require.NoError(t, err)
	return s
}

func TestSpool_Commit_KeepsTheBatch(t *testing.T) {
	s := openTest(t)
	require.False(t, s.Has(testName(1)))
	_, err := s.Manifest(testName(1))
	require.ErrorIs(t, err, fs.ErrNotExist)
	g, err := commitBatch(s, 1)
	require.NoError(t, err)
	require.NoError(t, g.Abort(), "after Commit it does nothing")
	require.True(t, s.Has(testName(1)))
	m, err := s.Manifest(testName(1))
	require.NoError(t, err)
	require.Equal(t, manifestOf(1), m)
	entries, err := s.List()
	require.NoError(t, err)
	requireWhole(t, s, entries)
	require.Equal(t, entries[0].Size, s.Size())

	again, err := Open(s.dir, 0)
	require.NoError(t, err)
	_, err = again.Recover()
	require.NoError(t, err)
	require.Equal(t, s.Size(), again.Size())

	require.NoError(t, s.Remove(testName(1)))
	require.NoError(t, s.Remove(testName(1)), "none is no error")
	require.False(t, s.Has(testName(1)))
	require.Zero(t, s.Size())
	_, _, err = s.Open(testName(1), 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestSpool_Commit_WithoutObjects(t *testing.T) {
	s := openTest(t)
	g, err := s.Stage()
	require.NoError(t, err)
	require.NoError(t, g.Commit(testName(1), nil, []byte("{}")))
	entries, err := s.List()
	require.NoError(t, err)
	require.Equal(t, []Entry{{testName(1), []byte("{}"), 2}}, entries)
}

func TestSpool_Commit_OfANameThatIsThere(t *testing.T) {
	s := openTest(t)
	_, err := commitBatch(s, 1)
	require.NoError(t, err)
	size := s.Size()
	_, err = commitBatch(s, 1)
	require.NoError(t, err, "the same manifest")
	require.Equal(t, size, s.Size())

	g, err := stageBatch(s, 2)
	require.NoError(t, err)
	err = g.Commit(testName(1), []string{"b1", "b0"}, []byte("other"))
	var conflict *ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, testName(1), conflict.Name)
	require.NoError(t, g.Abort())
	entries, err := s.List()
	require.NoError(t, err)
	requireWhole(t, s, entries)
}

func TestSpool_Commit_RefusesWhatIsNotDone(t *testing.T) {
	s := openTest(t)
	for name, c := range map[string]struct {
		batch   string
		objects []string
	}{
		"a name that is none":     {"../x", []string{"b1", "b0"}},
		"an object that is none":  {testName(1), []string{"b1", "b2"}},
		"an object twice":         {testName(1), []string{"b1", "b1"}},
		"an object left out":      {testName(1), []string{"b1"}},
		"an object not closed":    {testName(1), []string{"b1", "b0", "open"}},
		"an object that is a way": {testName(1), []string{"../b1", "b0"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := stageBatch(s, 1)
			require.NoError(t, err)
			if len(c.objects) == 3 {
				_, err := g.Create("open")
				require.NoError(t, err)
			}
			require.Error(t, g.Commit(c.batch, c.objects, manifestOf(1)))
			require.NoError(t, g.Abort())
			require.NoError(t, g.Abort())
			require.Error(t, g.Commit(testName(1), []string{"b1", "b0"}, manifestOf(1)), "aborted")
		})
	}
	files, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestStage_Create_RefusesNames(t *testing.T) {
	s := openTest(t)
	g, err := stageBatch(s, 1)
	require.NoError(t, err)
	for _, name := range []string{"", "a/b", "../x", "b1", "a\x00"} {
		_, err := g.Create(name)
		require.Error(t, err, "%q", name)
	}
	require.NoError(t, g.Abort())
}

func TestStage_Write_AfterCloseIsAnError(t *testing.T) {
	s := openTest(t)
	g, err := s.Stage()
	require.NoError(t, err)
	w, err := g.Create("a")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.ErrorIs(t, w.Close(), os.ErrClosed)
	require.NoError(t, g.Abort())
}

func TestSpool_Stages_LiveSideBySide(t *testing.T) {
	s := openTest(t)
	one, err := stageBatch(s, 1)
	require.NoError(t, err)
	two, err := stageBatch(s, 2)
	require.NoError(t, err)
	require.NoError(t, two.Commit(testName(2), []string{"b1", "b0"}, manifestOf(2)))
	require.NoError(t, one.Abort())
	entries, err := s.List()
	require.NoError(t, err)
	require.Equal(t, map[int]bool{2: true}, requireWhole(t, s, entries))
}

func TestSpool_Recover_LeavesWhatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	theirs := []string{"held/a", "tmp-x/a", "notes.txt", testName(1) + ".bak/manifest.json"}
	for _, name := range theirs {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o644))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tmp-3"), 0o755))
	s, err := Open(dir, 0)
	require.NoError(t, err)
	entries, err := s.Recover()
	require.NoError(t, err)
	require.Empty(t, entries)
	for _, name := range theirs {
		require.FileExists(t, filepath.Join(dir, name))
	}
	require.NoDirExists(t, filepath.Join(dir, "tmp-3"))
}

func TestList_CreatesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	entries, err := List(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoDirExists(t, dir)
}

func TestName_RoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 1<<62).Draw(t, "start")
		r := source.Range{Start: start, End: start + rapid.Int64Range(1, 1<<40).Draw(t, "len")}
		id := source.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		seal := source.Seal(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "seal"))
		gotID, gotRange, gotSeal, err := ParseName(Name(id, r, seal))
		require.NoError(t, err)
		require.Equal(t, id, gotID)
		require.Equal(t, r, gotRange)
		require.Equal(t, seal, gotSeal)
	})
}

func FuzzParseName(f *testing.F) {
	f.Add(testName(1))
	f.Add("a-b-c-d")
	f.Fuzz(func(t *testing.T, name string) {
		id, r, seal, err := ParseName(name)
		if err == nil {
			require.Equal(t, name, Name(id, r, seal), "it must print as it was read")
		}
	})
}
