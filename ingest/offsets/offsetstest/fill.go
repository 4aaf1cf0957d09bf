// Package offsetstest makes large ledgers for tests, quickly.
package offsetstest

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// Table and Origin are those of all sources that Fill makes.
var Table = source.Table{Stream: "app", Version: 1}

// Origin is that of all sources that Fill makes.
const Origin = "web-1"

// perTransaction is how many sources are made in one: few enough for memory, so many that hardly any
// time goes into waiting for the disk.
const perTransaction = 20_000

// landmarks are where a source has an end besides the one of its batch.
var landmarks = []int64{64, 256, 1 << 10, 4 << 10, 16 << 10}

// sealedTo is where each source ends.
const sealedTo = 20_000

// Key gives the key of the i-th source. Keys rise with i, unlike those that are made of heads: so no
// page is written twice.
func Key(i int) source.Key {
	key := source.Key{Table: Table, Origin: Origin}
	binary.BigEndian.PutUint64(key.ID[:], uint64(i))
	return key
}

// Path gives the path of the file of the i-th source.
func Path(i int) string { return fmt.Sprintf("/var/log/app/app-%07d.log", i) }

// Fill puts n sources into a ledger: each read to its end and shipped, with six ends and the record of
// its file. more may change the i-th; nil changes none.
func Fill(t testing.TB, l *offsets.Ledger, n int, more func(i int, s *offsets.Source)) {
	t.Helper()
	for from := 0; from < n; from += perTransaction {
		var keys []source.Key
		for i := from; i < min(n, from+perTransaction); i++ {
			keys = append(keys, Key(i))
		}
		i := from
		require.NoError(t, l.UpdateAll(keys, func(key source.Key, s *offsets.Source) error {
			fill(i, key, s)
			if more != nil {
				more(i, s)
			}
			i++
			return nil
		}))
	}
}

func fill(i int, key source.Key, s *offsets.Source) {
	chain := source.DigestOf(key.ID[:])
	s.Path = Path(i)
	s.File = offsets.FileState{Dev: 1, Inode: uint64(i) + 1, Size: sealedTo, MtimeNS: 1, CtimeNS: 1}
	s.Marker = chain
	s.Sealed = source.Point{Offset: sealedTo, Chain: chain, State: source.ChainState(chain), Line: sealedTo}
	s.Shipped, s.LastStart = sealedTo, 0
	for _, off := range landmarks {
		s.AddEnd(offsets.End{Offset: off, Chain: chain})
	}
	s.AddEnd(s.Sealed.Mark())
	s.PutFile(offsets.FileRecord{Path: s.Path, State: s.File, Key: key, Offset: sealedTo,
		Chain: chain})
}
