package offsets

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/source"
)

func TestSource_RoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Source{
			Serial:    rapid.Uint64Min(1).Draw(t, "serial"),
			K:         rapid.Uint64().Draw(t, "k"),
			Head:      rapid.SliceOfN(rapid.Byte(), 1, -1).Draw(t, "head"),
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
	s.Serial, s.Highest = 7, 10
	s.Path = "a\xff"
	s.Outbox[0].Range.Start, s.Shipped = 5, 5
	s.AddLost(source.Range{Start: 2, End: 5})
	s.File = FileState{Dev: 1, Inode: 2, Size: 3, MtimeNS: 4, CtimeNS: 5}
	b, err := encodeSource(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"serial":7,"k":0,"path":{"bytes":"Yf8="},
		"file":{"dev":1,"inode":2,"size":3,"mtime_ns":4,"ctime_ns":5},
		"marker":"0000000000000000000000000000000000000000000000000000000000000000",
		"sealed":{"offset":10,
			"chain":"01d448afd928065458cf670b60f5a594d735af0172c8d67f22a81680132681ca",
			"state":"6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19","line":10},
		"shipped":5,"last_start":-1,"highest":10,"open_end":false,
		"outbox":[{"range":"0000000000000005-000000000000000a","seal":"0100000000000000","spool":"x",
			"state":"0000000000000000000000000000000000000000000000000000000000000000"}],
		"lost":["0000000000000002-0000000000000005"],
		"lower_refuted":false,"barrier":0}`, string(b))
	_, err = decodeSource(append(b[:len(b)-1], `,"new":1}`...))
	require.ErrorContains(t, err, "unknown field")
}

func TestFileRecord_GoldenBytes(t *testing.T) {
	b, err := encodeFile(FileRecord{Path: "is the key", Key: testKey("one"), Offset: 10,
		State: FileState{Size: 3, Version: "v"}}, 7)
	require.NoError(t, err)
	require.JSONEq(t, `{"state":{"dev":0,"inode":0,"size":3,"mtime_ns":0,"ctime_ns":0,"version":"v"},
		"source":"`+testKey("one").String()+`","serial":7,"offset":10,
		"chain":"0000000000000000000000000000000000000000000000000000000000000000"}`, string(b))
	require.Equal(t, "app/v1\x00/logs/a", string(fileKey(testKey("one").Table, "/logs/a")))
}

func TestSighting_GoldenBytes(t *testing.T) {
	x := Sighting{Key: testKey("one"), K: 2, Path: "a\xff", File: FileState{Inode: 2}, Size: 20}
	b, err := encodeSighting(x)
	require.NoError(t, err)
	require.JSONEq(t, `{"path":{"bytes":"Yf8="},"k":2,"size":20,
		"file":{"dev":0,"inode":2,"size":0,"mtime_ns":0,"ctime_ns":0}}`, string(b))
	got, err := decodeSighting(x.Key, b)
	require.NoError(t, err)
	require.Equal(t, x, got)
}
