package tail

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// loaded gives the sink a source without an origin, as a load does, and forgets the state.
func (p *pond) loaded(line string) {
	p.cfg.Streams[0].Origin = ""
	p.fs.Write("/logs/a", []byte(line))
	p.start()
	p.pass(10 * time.Second)
	p.finish()
	p.cfg.Streams[0].Origin = "host"
	p.cfg.Follow[0].Unsaid = true
	p.forgetState()
}

// refused wants the tail to have ended for want of an origin.
func (p *pond) refused() {
	p.t.Helper()
	<-p.done
	want := &UnsaidError{Table: p.cfg.Streams[0].Table(), Origin: "host"}
	have, _ := errors.AsType[*UnsaidError](p.err)
	require.Equal(p.t, want, have, "%v", p.err)
	p.gone()
}

func TestTail_RefusesToGuessWhose(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.loaded("a1\n")
		noted := 0
		p.cfg.NoteOrigin = func() error { noted++; return p.ledger.NoteOrigin("host") }
		p.start()
		p.refused()
		require.Zero(t, noted)

		// Either word is a way out: a name is a source of its own, declared to be one.
		p.cfg.Follow[0].Unsaid = false
		p.start()
		p.pass(10 * time.Second)
		p.finish()
		require.Equal(t, 1, noted)
		require.Equal(t, []string{"a1", "a1"}, p.lines())

		// That was the decision: it holds without the word, also when the state is lost.
		p.cfg.Follow[0].Unsaid = true
		p.forgetState()
		p.start()
		p.pass(10 * time.Second)
		p.finish()
		require.Equal(t, []string{"a1", "a1"}, p.lines())
	})
}

func TestTail_GoesOnInSourcesWithoutAnOrigin(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.loaded("a1\n")
		p.cfg.Streams[0].Origin = ""
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.start()
		p.pass(10 * time.Second)
		p.finish()
		p.wantLines("a1", "a2")
	})
}

// While the sink is away a tail reads on; it learns that it should not have before anything ships.
func TestTail_RefusesToGuessWhose_OnceTheSinkIsReached(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge, p.cfg.Follow[0].Unsaid = 10*time.Second, true
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.start()
		p.pass(10 * time.Second)
		down.Store(true)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.pass(time.Minute)
		p.kill()
		require.Len(t, p.spooled(), 1)

		q := p.other(t)
		q.fs = filestest.New()
		q.loaded("b1\n")
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.start()
		p.pass(time.Minute)
		require.Len(t, p.spooled(), 2)
		down.Store(false)
		p.refused()
		require.Equal(t, []string{"b1"}, p.lines())

		p.cfg.Follow[0].Unsaid = false
		p.start()
		p.pass(time.Minute)
		p.wantLines("a1", "a2", "b1")
	})
}

// A stream that a reload adds is asked about like one of the start.
func TestTail_Reload_RefusesToGuessWhose(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.loaded("a1\n")
		p.start()
		p.refused()
		p.cfg.Follow[0].Unsaid = false
		p.start()
		p.pass(10 * time.Second)
		cfg := p.cfg
		cfg.Streams, cfg.Follow = nil, nil
		require.NoError(t, p.tail.Reload(cfg))
		cfg.Streams, cfg.Follow = p.cfg.Streams, slices.Clone(p.cfg.Follow)
		cfg.Streams[0].Origin, cfg.Follow[0].Unsaid = "other", true
		require.ErrorAs(t, p.tail.Reload(cfg), new(*UnsaidError))
		cfg.Follow[0].Unsaid = false
		cfg.Follow[0].Find = files.NewFinder(p.fs, []string{"/logs/*"}, nil).Find
		require.NoError(t, p.tail.Reload(cfg))
	})
}

// A config that is read again while the tail still starts is refused, and the tail goes on starting.
func TestTail_Reload_BeforeItFollows(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		cfg := p.open()
		require.ErrorContains(t, New(cfg).Reload(cfg), "still starting")
		require.NoError(t, cfg.Ledger.(mortalLedger).Ledger.(*offsets.Ledger).Close())
		p.start()
		require.NoError(t, p.tail.Reload(cfg))
	})
}
