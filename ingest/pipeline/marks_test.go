package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// marksIn gives the marks of content strictly between start and end.
func marksIn(content []byte, start, end int64) (ms []source.Mark) {
	for off := source.NextMark(start); off < end; off = source.NextMark(off) {
		ms = append(ms, source.Mark{Offset: off, Chain: source.DigestOf(content[:off])})
	}
	return ms
}

// The first batch of a log ends far behind a shorter one that begins alike: its marks tell the two
// apart, from the sink alone. Where it differs only behind its last mark, that cannot be known.
func TestLoad_MarksOfTheSinkRefuteAShorterFile(t *testing.T) {
	b := newYard(t)
	b.write("long", []byte("h1\n"+strings.Repeat("a2\n", 1000)))
	b.load("long")
	b.forgetState()
	b.write("short", []byte("h1\n"+strings.Repeat("b2\n", 30)))
	r := b.load("short")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(31), r.Rows)

	b.forgetState()
	b.write("alike", []byte("h1\n"+strings.Repeat("a2\n", 21)+"b2\nb2\n"))
	require.Equal(t, []Kind{Undecided}, b.kinds(b.load("alike")))
}

// testLedger is a new ledger that knows what update says of a source.
func testLedger(t *testing.T, update func(*offsets.Source)) (*offsets.Ledger, source.Key) {
	l, err := offsets.Open(t.TempDir(), offsets.Meta{Sink: "sink"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	key := keyOf(source.Table{Stream: "s", Version: 1}, "", 0, []byte("a1\n"))
	require.NoError(t, l.Update(key, func(s *offsets.Source) error { update(s); return nil }))
	return l, key
}

func TestCandidate_AMarkIsNoBatchEnd(t *testing.T) {
	content := []byte(strings.Repeat("a1\n", 2000))
	end := func(off int64) offsets.End {
		return offsets.End{Offset: off, Chain: source.DigestOf(content[:off])}
	}
	for name, known := range map[string][]offsets.End{
		"none":                    nil,
		"marks before it":         {end(64), end(256)},
		"its end":                 {end(64), end(256), end(300)},
		"what was sealed behind":  {end(64), end(256), end(300), end(1024), end(3000)},
		"but not where it stands": {end(64), end(256), end(1024), end(3000)},
	} {
		l, key := testLedger(t, func(s *offsets.Source) {
			s.Sealed = source.Point{Offset: 300, Chain: end(300).Chain}
			s.Shipped = 300
			for _, e := range known {
				s.AddEnd(e)
			}
		})
		r := newRun(Config{Ledger: l})
		f, release := r.families.use(key.Table, key.Origin, []byte("a1\n"))
		e, err := r.candidate(f, 0)
		require.NoError(t, err)
		require.EqualValues(t, 300, e.End, name)
		require.Equal(t, end(300), e.Points[len(e.Points)-1], name)
		require.Equal(t, identity.Proved, e.Match(nil, 300), name)
		require.Equal(t, identity.Undecided, e.Match(nil, 299), name)
		release()
	}
}

func TestTail_ChainOver(t *testing.T) {
	content := []byte(strings.Repeat("a1\n", 2000))
	r := source.Range{Start: 100, End: 3000}
	without := func(skip int64) *Tail {
		l, _ := testLedger(t, func(s *offsets.Source) {
			s.Sealed = source.Point{Offset: 3000, Chain: source.DigestOf(content[:3000])}
			s.Shipped = 3000
			for _, off := range []int64{64, 100, 256, 1024, 3000} {
				if off != skip {
					s.AddEnd(offsets.End{Offset: off, Chain: source.DigestOf(content[:off])})
				}
			}
		})
		return &Tail{run: &run{Config: Config{Ledger: l}}}
	}
	key := keyOf(source.Table{Stream: "s", Version: 1}, "", 0, []byte("a1\n"))
	from, to, marks, err := without(0).chainOver(key, r)
	require.NoError(t, err)
	require.Equal(t, source.DigestOf(content[:100]), from)
	require.Equal(t, source.DigestOf(content[:3000]), to)
	require.Equal(t, marksIn(content, 100, 3000), marks)
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
		require.Equal(t, marksIn(body, 3, int64(len(body))), p.lostMarks())
	})
}

func TestTail_WhatIsNotWantedHasItsMarks(t *testing.T) {
	body := []byte(strings.Repeat("a1\n", 500))
	for name, stored := range map[string][]byte{"a": body, "a.gz": gzipped(body)} {
		inPond(t, func(t *testing.T, p *pond) {
			p.cfg.Follow[0].StartAtEnd = true
			p.fs.Write("/logs/"+name, stored)
			p.start()
			p.pass(6 * time.Minute)
			p.finish()
			require.Equal(t, []string{"lost not_wanted"}, p.losses())
			require.Equal(t, marksIn(body, 0, int64(len(body))), p.lostMarks())
		})
	}
}
