package tail

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/sink"
)

// Whoever waits for a turn lets time go on, and can give up.
func TestTail_TurnIsWaitedForInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := commit.NewTurn()
		held.Lock()
		began := time.Now()
		go func() {
			time.Sleep(time.Hour)
			held.Unlock()
		}()
		enough := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, enough)
		defer cancel()
		require.ErrorIs(t, held.LockWithin(ctx), enough)
		require.Equal(t, time.Minute, time.Since(began))
		held.Lock()
		require.Equal(t, time.Hour, time.Since(began))
		held.Unlock()
		require.NoError(t, held.LockWithin(t.Context()))
		held.Unlock()
		require.Panics(t, held.Unlock)
	})
}

// A sink that takes its time over a question of a lane, which has the file in hand, does not stop the
// clock: a look goes on meanwhile.
func TestTail_LooksWhileALaneHasAFileInHand(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		l := newLosing(p)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		l.sealEach("a2\n")
		l.loseSpool(everyOne)
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.store = func(s sink.Store) sink.Store { return sleepyGet{s} }
		p.start()
		for range 30 {
			p.pass(20 * time.Second)
			p.fs.Append("/logs/a", []byte("b1\n"))
		}
		p.pass(time.Hour)
		require.Len(t, p.lines(), 32)
	})
}

// sleepyGet answers late.
type sleepyGet struct{ sink.Store }

func (s sleepyGet) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	time.Sleep(time.Minute)
	return s.Store.Get(ctx, key)
}
