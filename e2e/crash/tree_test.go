package crash_test

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parquet"
	"logseal/ingest/table"
)

// tree is a sink, file by file: the digest of each.
type tree map[string][sha256.Size]byte

// readTree reads a sink without what belongs to its writers alone.
func readTree(t testing.TB, root string) tree {
	t.Helper()
	files := tree{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == ".state" || e.Name() == ".tmp"):
			return filepath.SkipDir
		case e.IsDir():
			return nil
		}
		name := strings.TrimPrefix(path, root+"/")
		if strings.HasPrefix(name, table.SourceFolder) {
			files[name] = [sha256.Size]byte{} // a note says when it was written
			return nil
		}
		digest, err := digestOf(path)
		files[name] = digest
		return err
	})
	require.NoError(t, err)
	return files
}

func digestOf(path string) (digest [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return digest, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(nil)), err
}

// requireTree wants the sink to be the same, file by file.
func (s *site) requireTree(want tree) {
	s.Helper()
	have := readTree(s, s.lake)
	require.Equal(s, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have)))
	for name := range want {
		require.Equal(s, want[name], have[name], "bytes of %s", name)
	}
}

// requireTidy wants nothing left of what only an unfinished load needs: batches in the spool and
// half written objects.
func (s *site) requireTidy() {
	s.Helper()
	spooled, err := os.ReadDir(filepath.Join(s.state, "spool"))
	require.NoError(s, err)
	require.Empty(s, spooled, "spool")
	writing, err := filepath.Glob(filepath.Join(s.lake, ".tmp", "*", "*"))
	require.NoError(s, err)
	require.Empty(s, writing, "objects being written")
}

// places are the records that the objects below a folder of a sink hold: of each source the
// offsets in their order, as a reader would count them that globs and asks no manifest.
func places(t testing.TB, root string) map[string][]int64 {
	t.Helper()
	found := map[string][]int64{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		addPlaces(t, path, found)
		return nil
	})
	require.NoError(t, err)
	for _, offsets := range found {
		slices.Sort(offsets)
	}
	return found
}

// addPlaces adds those of one object, which is of one source.
func addPlaces(t testing.TB, path string, found map[string][]int64) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	stat, err := f.Stat()
	require.NoError(t, err)
	object, err := parquet.Open(f, stat.Size())
	require.NoError(t, err, path)
	sid, _, _ := strings.Cut(filepath.Base(path), "-")
	for group := range object.Groups() {
		sids, err := object.Column(group, 0)
		require.NoError(t, err, path)
		require.Equal(t, strings.Repeat(sid, sids.Len()), string(sids.Bytes), path)
		at, err := object.Column(group, 1)
		require.NoError(t, err, path)
		found[sid] = append(found[sid], at.Int64s...)
	}
}
