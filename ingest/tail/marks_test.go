package tail

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/offsets/offsetstest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

func TestTail_ChainOver(t *testing.T) {
	content := []byte(strings.Repeat("a1\n", 2000))
	r := source.Range{Start: 100, End: 3000}
	without := func(skip int64) *losses {
		l, _ := offsetstest.Holding(t, func(s *offsets.Source) {
			s.Sealed = source.Point{Offset: 3000, Chain: source.DigestOf(content[:3000])}
			s.Shipped = 3000
			for _, off := range []int64{64, 100, 256, 1024, 3000} {
				if off != skip {
					s.AddEnd(offsets.End{Offset: off, Chain: source.DigestOf(content[:off])})
				}
			}
		})
		return &losses{Tail: &Tail{shared: shared{Engine: &commit.Engine{Config: commit.Config{Ledger: l}}}}}
	}
	key := source.KeyOf(source.Table{Stream: "s", Version: 1}, "", 0, []byte("a1\n"))
	from, to, marks, err := without(0).chainOver(key, r)
	require.NoError(t, err)
	require.Equal(t, source.DigestOf(content[:100]), from)
	require.Equal(t, source.DigestOf(content[:3000]), to)
	require.Equal(t, filestest.Marks(content, 100, 3000), marks)
	for _, off := range []int64{100, 256, 1024, 3000} {
		_, _, _, err := without(off).chainOver(key, r)
		require.ErrorContains(t, err, "does not know the chain")
	}
}

// lostMarks gives the marks of the only loss in the sink.
func (p *pond) lostMarks() []source.Mark {
	for _, key := range p.sink.Keys() {
		if l, err := table.ParseLoss(p.sink.Body(key)); err == nil {
			return l.Marks
		}
	}
	require.Fail(p.t, "no loss")
	return nil
}

func TestTail_ADeclaredLossHasItsMarks(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		down.Store(true)
		p.fs.Append("/logs/a", []byte(strings.Repeat("a2\n", 500)))
		p.pass(6 * time.Minute) // it is sealed, and cannot be shipped
		body := p.fs.Bytes("/logs/a")
		p.kill()
		require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool")))
		p.fs.Remove("/logs/a")
		down.Store(false)
		p.start()
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"lost deleted"}, p.losses())
		require.Equal(t, filestest.Marks(body, 3, int64(len(body))), p.lostMarks())
	})
}

func TestTail_WhatIsNotWantedHasItsMarks(t *testing.T) {
	body := []byte(strings.Repeat("a1\n", 500))
	for name, stored := range map[string][]byte{"a": body, "a.gz": filestest.Gzip(body)} {
		inPond(t, func(t *testing.T, p *pond) {
			p.cfg.Follow[0].StartAtEnd = true
			p.fs.Write("/logs/"+name, stored)
			p.start()
			p.pass(6 * time.Minute)
			p.finish()
			require.Equal(t, []string{"lost not_wanted"}, p.losses())
			require.Equal(t, filestest.Marks(body, 0, int64(len(body))), p.lostMarks())
		})
	}
}
