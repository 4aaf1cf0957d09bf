package commit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/offsets/offsetstest"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
)

// The ledger's own sources are others', too, as long as nothing of them was shipped.
func TestRun_FirstKin_AsksTheLedger(t *testing.T) {
	body := []byte(theHead + filestest.Lines("a1", 100))
	ledger, key := offsetstest.Holding(t, func(s *offsets.Source) {
		c := source.NewChain()
		c.Write(body)
		s.Sealed = c.Point()
		s.Outbox = []offsets.Entry{{Range: source.Range{End: int64(len(body))}, Spool: "x"}}
		for _, m := range c.Marks(0, int64(len(body))) {
			s.AddEnd(m)
		}
		s.AddEnd(offsets.End{Offset: int64(len(body)), Chain: c.Sum()})
	})
	store := sinktest.NewMemory(t)
	r := NewEngine(Config{Ledger: ledger, Store: store})
	kins, err := r.Announcer.FirstKin(t.Context(), []source.Key{key, {Table: key.Table, ID: source.ID{2}}}, 0)
	require.NoError(t, err)
	require.Len(t, kins, 2)
	require.Equal(t, append(filestest.Marks(body, 0, int64(len(body))),
		offsets.End{Offset: int64(len(body)), Chain: source.DigestOf(body)}), kins[0].Ends)
	require.Empty(t, kins[1].Ends)
}

func TestKin_Against(t *testing.T) {
	at := func(off int64) source.Digest { return source.DigestOf([]byte{byte(off)}) }
	k := &Kin{Ends: []offsets.End{{Offset: 64, Chain: at(64)}, {Offset: 100, Chain: at(100)}}}
	for name, c := range map[string]struct {
		own    chains
		agrees int64
		apart  bool
	}{
		"nothing":        {nil, 0, false},
		"up to a mark":   {chains{64: at(64)}, 64, false},
		"whole":          {chains{64: at(64), 100: at(100)}, 100, false},
		"behind a mark":  {chains{64: at(64), 100: at(1)}, 64, true},
		"from the start": {chains{64: at(1), 100: at(100)}, 0, true},
	} {
		agrees, apart := k.against(c.own)
		require.Equal(t, c.agrees, agrees, name)
		require.Equal(t, c.apart, apart, name)
	}
	// Of bytes that nobody wanted there are no rows: only what follows them can be there twice.
	k.unwanted = 100
	_, apart := k.against(chains{64: at(64), 100: at(100)})
	require.True(t, apart)
	_, apart = k.against(chains{64: at(64), 100: at(100), 101: at(101)})
	require.False(t, apart)
}
