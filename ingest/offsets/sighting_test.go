package offsets

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

func waiting(t require.TestingT, l *Ledger) []source.Key {
	keys, err := l.Waiting()
	require.NoError(t, err)
	return keys
}

func behind(t require.TestingT, l *Ledger) (keys []source.Key) {
	all, err := l.Behind()
	require.NoError(t, err)
	for _, x := range all {
		require.Greater(t, x.Size, x.Sealed)
		one, ok, err := l.Sighting(x.Key)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, one, x)
		keys = append(keys, x.Key)
	}
	return keys
}

// readTo seals up to end, and ships it, of a file that is size long.
func readTo(end int, size int64) func(s *Source) error {
	return func(s *Source) error {
		s.Path, s.File, s.Marker = "/logs/a", FileState{Inode: 1, Size: size}, source.Digest{1}
		s.Sealed, s.Shipped, s.Outbox = pointAt(end), int64(end), nil
		return nil
	}
}

func TestLedger_Sighting_OfAFileThatGrows(t *testing.T) {
	l := openTest(t, t.TempDir())
	key := testKey("one")
	_, ok, err := l.Sighting(key)
	require.NoError(t, err)
	require.False(t, ok)

	require.NoError(t, l.PutSightings(Sighting{Key: key, K: 2, Path: "/logs/a",
		File: FileState{Inode: 1, Size: 20}, Size: 20}))
	require.Equal(t, []source.Key{key}, behind(t, l), "nothing was sealed yet")
	require.True(t, l.Empty(), "a sighting is no source")

	// It grows under another path, after which a shorter copy is read in its stead.
	require.NoError(t, l.PutSightings(Sighting{Key: key, K: 2, Path: "/logs/a.1",
		File: FileState{Inode: 1, Size: 30}, Size: 30}))
	require.NoError(t, l.PutSightings(Sighting{Key: key, K: 2, Path: "/logs/copy",
		File: FileState{Inode: 2, Size: 25}, Size: 25}))
	got, ok, err := l.Sighting(key)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, Sighting{Key: key, K: 2, Path: "/logs/copy",
		File: FileState{Inode: 2, Size: 25}, Size: 30}, got)

	require.NoError(t, l.Update(key, readTo(30, 30)))
	require.Empty(t, behind(t, l))
	require.NoError(t, l.Update(key, readTo(20, 25)))
	require.Equal(t, []source.Key{key}, behind(t, l), "the sealed offset fell back")
}

func TestLedger_Sighting_OfWhatTheSourceSays(t *testing.T) {
	l := openTest(t, t.TempDir())
	key := testKey("one")
	require.NoError(t, l.Update(key, readTo(10, 10)))
	require.Empty(t, behind(t, l))
	require.NoError(t, l.Update(key, readTo(10, 25)))
	got, ok, err := l.Sighting(key)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, Sighting{Key: key, Serial: 1, Path: "/logs/a", File: FileState{Inode: 1, Size: 25},
		Size: 25, Sealed: 10}, got)
	require.Equal(t, []source.Key{key}, behind(t, l))

	require.NoError(t, l.Update(key, func(s *Source) error { s.Marker = source.Digest{}; return nil }))
	require.Empty(t, behind(t, l), "the size of a compressed file does not tell")
	require.NoError(t, l.PutSightings(Sighting{Key: key, Path: "/logs/b", Size: 11}))
	require.Equal(t, []source.Key{key}, behind(t, l))
}

// A tail that notes how long its files are has looked before: meanwhile a source may have been given
// up, and its key been taken by another file.
func TestLedger_PutSightings_OfWhatWasGivenUp(t *testing.T) {
	l := openTest(t, t.TempDir())
	key := testKey("one")
	require.NoError(t, l.Update(key, readTo(10, 10)))
	seen := Sighting{Key: key, Serial: 1, Path: "/logs/a", Size: 20}
	require.NoError(t, l.Delete(key))
	require.NoError(t, l.PutSightings(seen))
	require.Empty(t, behind(t, l))
	require.NoError(t, l.Update(key, readTo(10, 10)))
	require.NoError(t, l.PutSightings(seen))
	require.Empty(t, behind(t, l))
	seen.Serial = 2
	require.NoError(t, l.PutSightings(seen))
	require.Equal(t, []source.Key{key}, behind(t, l))
	require.Error(t, l.PutSightings(Sighting{Key: key}), "a file that holds nothing")
}

// What is known of [10, 30) was declared lost. Between the look that said so and this transaction the
// source may have come to be, grown, shrunk or gone.
func TestLedger_ForgetSighting(t *testing.T) {
	key := testKey("one")
	noted := Sighting{Key: key, Path: "/logs/a", File: FileState{Inode: 1, Size: 30}, Size: 30}
	for name, c := range map[string]struct {
		change   func(t *testing.T, l *Ledger)
		declared source.Range
		stays    bool
	}{
		"as it was": {declared: source.Range{Start: 10, End: 30}},
		"said by a file": {declared: source.Range{Start: 10, End: 30},
			change: func(t *testing.T, l *Ledger) {
				require.NoError(t, l.Update(key, readTo(10, 29)))
			}},
		"of which nothing is sealed": {declared: source.Range{End: 30},
			change: func(t *testing.T, l *Ledger) {
				require.NoError(t, l.Delete(key))
				require.NoError(t, l.PutSightings(noted))
			}},
		"that came to be": {declared: source.Range{End: 30}},
		"and more was sealed": {declared: source.Range{Start: 10, End: 30},
			change: func(t *testing.T, l *Ledger) {
				require.NoError(t, l.Update(key, readTo(20, 20)))
			}},
		"and less is sealed": {declared: source.Range{Start: 15, End: 30}, stays: true},
		"and it is longer": {declared: source.Range{Start: 10, End: 30}, stays: true,
			change: func(t *testing.T, l *Ledger) {
				require.NoError(t, l.PutSightings(Sighting{Key: key, Path: "/logs/b", Size: 31}))
			}},
		"and its file is longer": {declared: source.Range{Start: 10, End: 30}, stays: true,
			change: func(t *testing.T, l *Ledger) {
				require.NoError(t, l.Update(key, readTo(10, 31)))
			}},
		"and another took its key": {declared: source.Range{Start: 10, End: 30}, stays: true,
			change: func(t *testing.T, l *Ledger) {
				require.NoError(t, l.Delete(key))
				require.NoError(t, l.PutSightings(Sighting{Key: key, Path: "/logs/b", Size: 5}))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			l := openTest(t, t.TempDir())
			require.NoError(t, l.Update(key, readTo(10, 10)))
			require.NoError(t, l.PutSightings(noted))
			if c.change != nil {
				c.change(t, l)
			}
			before, had, err := l.Get(key)
			require.NoError(t, err)
			require.NoError(t, l.ForgetSighting(key, c.declared))
			require.Equal(t, c.stays, len(behind(t, l)) > 0)
			after, has, err := l.Get(key)
			require.NoError(t, err)
			require.Equal(t, had, has, "the source came or went")
			if had && before.File.Size > before.Sealed.Offset && !c.stays {
				before.File = FileState{}
			}
			require.Equal(t, before, after)
		})
	}
}

func TestLedger_ForgetSighting_OfNothing(t *testing.T) {
	l := openTest(t, t.TempDir())
	require.NoError(t, l.ForgetSighting(testKey("one"), source.Range{End: 10}))
	require.True(t, l.Empty())
}

// Whatever is done in whatever order, the indices say what the sources and the sightings do. The check
// at the end of the test compares them, too.
func TestLedger_Indices(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	keys := []source.Key{testKey("one"), testKey("two"), testKey("three")}
	rapid.Check(t, func(t *rapid.T) {
		sizes := map[source.Key]int64{}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			end := rapid.IntRange(1, 30).Draw(t, "end")
			size := rapid.Int64Range(1, 40).Draw(t, "size")
			var err error
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				err = l.Update(key, readTo(end, size))
			case 1:
				err = l.Update(key, func(s *Source) error {
					s.Sealed = pointAt(int(s.Shipped) + end)
					s.Outbox = []Entry{{Range: source.Range{Start: s.Shipped, End: s.Sealed.Offset}, Spool: "x"}}
					return nil
				})
			case 2:
				err = l.PutSightings(Sighting{Key: key, Path: "/logs/a", Size: size})
				sizes[key] = max(size, sizes[key])
			case 3:
				err = l.ForgetSighting(key, source.Range{End: size})
			case 4:
				err = l.Delete(key)
			}
			require.NoError(t, err)
		}
		requireIndexed(t, l, keys)
	})
}

func requireIndexed(t require.TestingT, l *Ledger, keys []source.Key) {
	wait, more := map[string]source.Key{}, map[string]source.Key{}
	for _, key := range keys {
		s, ok, err := l.Get(key)
		require.NoError(t, err)
		if ok && len(s.Outbox) > 0 {
			wait[key.String()] = key
		}
		x, _, err := l.Sighting(key)
		require.NoError(t, err)
		if x.Size > x.Sealed {
			more[key.String()] = key
		}
	}
	require.Equal(t, sortedKeys(wait), waiting(t, l))
	require.Equal(t, sortedKeys(more), behind(t, l))
}

func sortedKeys(by map[string]source.Key) (keys []source.Key) {
	for _, name := range slices.Sorted(maps.Keys(by)) {
		keys = append(keys, by[name])
	}
	return keys
}
