package tail

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// A tail that knows its sink asks for what waits and for what is behind, whatever happens to it.
func TestTail_NeverAsksForAllSources(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/a", nil)
		p.start()
		p.pass(time.Minute)
		p.scans.Store(0)
		p.fs.Append("/logs/a", []byte("a1\na2\n"))
		p.fs.Write("/logs/b", []byte("b1\nb2\n"))
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.fs.Append("/logs/b", []byte("b3\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a") // what is behind is declared
		p.start()
		p.pass(time.Minute)
		p.spoolIsFull(true)
		p.fs.Append("/logs/b", []byte("b4\n"))
		p.pass(6 * time.Minute)
		p.fs.Rename("/logs/b", "/logs/b.1")
		p.pass(10 * time.Second)
		p.spoolIsFull(false)
		cfg := p.cfg
		cfg.Streams, cfg.Follow = p.tail.Engine.CurrentStreams(), p.tail.follows()
		require.NoError(t, p.tail.Reload(cfg))
		p.pass(10 * time.Minute)
		p.finish()
		p.start()
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "b1", "b2", "b3", "b4")
		require.Equal(t, []string{"note deleted"}, p.losses())
		require.Zero(t, p.scans.Load())
	})
}

// follows are those of the streams that there are now.
func (t *Tail) follows() (all []Follow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, ref := range t.config.streams {
		all = append(all, ref.Load().Follow)
	}
	return all
}

// putHook calls back before an object is put whose key has a suffix.
type putHook struct {
	sink.Store
	suffix string
	before func()
}

func (s putHook) Put(ctx context.Context, o sink.Object) error {
	if strings.HasSuffix(o.Key, s.suffix) {
		s.before()
	}
	return s.Store.Put(ctx, o)
}

// While a loss is being put its log comes back, longer. How long it is then is not forgotten with what
// was declared.
func TestTail_ComesBackWhileItsLossIsPut(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a")
		p.store = func(s sink.Store) sink.Store {
			return putHook{s, "-lost.json", func() {
				p.fs.Write("/logs/a", []byte("a1\na2\na3\na4\na5\n"))
				time.Sleep(30 * time.Second) // it is found, read, and how long it is noted
			}}
		}
		p.start()
		p.pass(3 * time.Minute)
		require.Equal(t, []string{"note deleted"}, p.losses())
		behind, err := p.ledger.Behind()
		require.NoError(t, err)
		require.Len(t, behind, 1)
		require.EqualValues(t, 15, behind[0].Size)
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "a3", "a4", "a5")
		behind, err = p.ledger.Behind()
		require.NoError(t, err)
		require.Empty(t, behind)
	})
}

// A log is emptied, and filled with more than it had before anybody looks again. What the file holds
// then is no measure of what it was.
func TestTail_RefilledBetweenTwoLooks(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Truncate("/logs/a", 0)
		p.fs.Append("/logs/a", []byte(strings.Repeat("b1\n", 100)))
		p.pass(3 * time.Minute)
		p.finish()
		p.start()
		p.pass(10 * time.Minute)
		require.Empty(t, p.losses())
		require.Len(t, p.lines(), 102)
		behind, err := p.ledger.Behind()
		require.NoError(t, err)
		require.Empty(t, behind)
	})
}

// A source is given up while what was lost of it is taken back: that makes no new one of it.
func TestWork_TakeBack_OfASourceThatWasGivenUp(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.start()
		key := source.Key{Table: source.Table{Stream: "s", Version: 1}, Origin: "host"}
		lost := source.Range{Start: 2, End: 5}
		make := func(s *offsets.Source) error {
			s.Sealed.Offset, s.Shipped = 10, 10
			s.AddLost(lost)
			return nil
		}
		require.NoError(t, p.ledger.Update(key, make))
		w, err := p.tail.SourceOf(key, 0)
		require.NoError(t, err)
		require.NoError(t, p.ledger.Delete(key))
		require.ErrorIs(t, w.Retrieval.TakeBackAll(t.Context(), nil), commit.ErrAgain)
		require.True(t, p.ledger.Empty())

		require.NoError(t, p.ledger.Update(key, make))
		require.ErrorIs(t, w.Retrieval.TakeBackAll(t.Context(), nil), commit.ErrAgain, "it is another one now")
		src, _, err := p.ledger.Get(key)
		require.NoError(t, err)
		require.Equal(t, []source.Range{lost}, src.Lost)
		require.NoError(t, p.ledger.Delete(key))
	})
}

// A packed log is smaller than its archive. How long that is says nothing of the log, so that nothing
// is missing once it is read.
func TestTail_AnArchiveLongerThanItsLog(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		p.spoolIsFull(true)
		p.fs.Write("/logs/b.gz", filestest.Gzip([]byte("b1\n")))
		p.pass(5 * time.Minute)
		p.spoolIsFull(false)
		p.pass(5 * time.Minute)
		for range 2 {
			p.finish()
			p.start()
			p.pass(10 * time.Minute)
			p.wantLines("a1", "b1")
			require.Empty(t, p.losses())
		}
	})
}
