package offsets

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

// What a fault of our own would write has a sum that is right, so the ledger opens. Check finds it.
func TestCheck_OfWhatWasWrittenWrongly(t *testing.T) {
	key := testKey("1")
	name := []byte(key.String())
	none := testKey("none")
	other := []byte(none.String())
	source2 := func(change func(s *Source)) func(tx *tx) error {
		return func(tx *tx) error {
			s, _, err := tx.source(key)
			require.NoError(t, err)
			change(s)
			b, err := encodeSource(s)
			require.NoError(t, err)
			return tx.put(bucketSources, name, b)
		}
	}
	for what, change := range map[string]func(tx *tx) error{
		"waits, and is not said to":       func(tx *tx) error { return tx.delete(bucketWaiting, name) },
		"is behind, and is not said to":   func(tx *tx) error { return tx.delete(bucketBehind, name) },
		"is said to wait, and is none":    func(tx *tx) error { return tx.mark(bucketWaiting, other, true) },
		"is said to be behind":            func(tx *tx) error { return tx.mark(bucketBehind, other, true) },
		"an index with a value":           func(tx *tx) error { return tx.put(bucketWaiting, name, []byte("x")) },
		"an index without a source":       func(tx *tx) error { return tx.mark(bucketWaiting, []byte("x"), true) },
		"a sighting without a source":     func(tx *tx) error { return tx.put(bucketSightings, []byte("x"), nil) },
		"a sighting that is none":         func(tx *tx) error { return tx.put(bucketSightings, name, []byte("{")) },
		"a source that is none":           func(tx *tx) error { return tx.put(bucketSources, name, []byte("{")) },
		"a source of no name":             func(tx *tx) error { return tx.put(bucketSources, []byte("x"), nil) },
		"a source with another's serial":  source2(func(s *Source) { s.Serial = 3 }),
		"a source with a serial to come":  source2(func(s *Source) { s.Serial = 99 }),
		"a source without one":            source2(func(s *Source) { s.Serial = 0 }),
		"an end of a source that is none": func(tx *tx) error { return tx.putEnd(none, pointAt(10).Mark()) },
		"an end that is too short":        func(tx *tx) error { return tx.put(bucketEnds, endKey(key, 10), []byte("x")) },
		"an end of no offset":             func(tx *tx) error { return tx.put(bucketEnds, []byte("x"), nil) },
		"a file of no table":              func(tx *tx) error { return tx.put(bucketFiles, []byte("x"), nil) },
		"a file of another table": func(tx *tx) error {
			table := source.Table{Stream: "app", Version: 2}
			return tx.put(bucketFiles, fileKey(table, "/a"), tx.get(bucketFiles, fileKey(key.Table, "/logs/1")))
		},
		"a file with a serial to come": func(tx *tx) error {
			b, err := encodeFile(FileRecord{Path: "/a", Key: key}, 99)
			require.NoError(t, err)
			return tx.put(bucketFiles, fileKey(key.Table, "/a"), b)
		},
		"a definition of none":        func(tx *tx) error { return tx.mark(bucketDefinitions, []byte("x"), true) },
		"a definition of no epoch":    func(tx *tx) error { return tx.mark(bucketDefinitions, []byte("app/v1/x"), true) },
		"a first look at no table":    func(tx *tx) error { return tx.mark(bucketFirstLooks, []byte("app/v01"), true) },
		"a first look that says more": func(tx *tx) error { return tx.put(bucketFirstLooks, []byte("app/v1"), []byte("x")) },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			l := bigLedger(t, dir)
			require.NoError(t, l.db.change("break it", change))
			require.NoError(t, l.Close())
			l, err := OpenReadOnly(dir)
			require.NoError(t, err)
			require.NoError(t, l.Close())
			var bad *DamagedError
			require.ErrorAs(t, Check(dir), &bad)
		})
	}
}
