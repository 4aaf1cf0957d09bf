package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// failingSome does not put what comes from files with a part in their paths.
type failingSome struct {
	sink.Store
	part string
	err  error
	on   *atomic.Bool
}

func (s failingSome) Put(ctx context.Context, o sink.Object) error {
	if s.on.Load() && strings.Contains(o.Meta["logseal-path"], s.part) {
		return s.err
	}
	return s.Store.Put(ctx, o)
}

// More sources than there are slots, which the sink refuses or cannot put now, hold up nobody else; and
// they ship once it can.
func TestTail_SourcesThatWaitHoldUpNobody(t *testing.T) {
	for name, err := range map[string]error{
		"refused":     &sink.RefusedError{Err: errors.New("403"), Fix: "mend it"},
		"backing off": &sink.TransientError{Err: errors.New("503")},
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				var on atomic.Bool
				on.Store(true)
				p.cfg.Follow[0].MaxAge = 10 * time.Second
				p.store = func(s sink.Store) sink.Store {
					return &retry.Store{Store: failingSome{s, "bad", err, &on}}
				}
				for i := range shippedAtOnce + 1 {
					p.fs.Write(fmt.Sprintf("/logs/bad%d", i), fmt.Appendf(nil, "b%d\n", i))
				}
				p.start()
				p.pass(time.Minute)
				p.fs.Write("/logs/good", []byte("g1\n"))
				p.pass(5 * time.Minute)
				require.Equal(t, []string{"g1"}, p.lines())
				require.Equal(t, name == "refused", len(p.tail.Status().Problems) == 1)
				on.Store(false)
				p.pass(5 * time.Minute)
				require.Len(t, p.lines(), shippedAtOnce+2)
				require.Empty(t, p.tail.Status().Problems)
			})
		})
	}
}

// A slot is given back while all that is done in it waits, and only then.
func TestTail_SlotIsGivenBackWhileAllWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{}, 1)
		taken := func() bool { return len(free) == 1 }
		err := inSlot(t.Context(), free, func(ctx context.Context) error {
			s := slotOf(ctx)
			one, err := s.Begin(ctx)
			require.NoError(t, err)
			two, err := s.Begin(ctx)
			require.NoError(t, err)
			one.Wait()
			require.True(t, taken(), "two is at work")
			two.Wait()
			require.False(t, taken())

			free <- struct{}{} // another's
			on := make(chan error)
			go func() { on <- two.GoOn(ctx) }()
			synctest.Wait()
			require.Empty(t, on)
			<-free
			require.NoError(t, <-on)
			require.True(t, taken())
			two.End()
			require.False(t, taken(), "one waits alone")
			one.End()
			held := newTurn()
			held.Lock()
			go func() {
				synctest.Wait()
				require.False(t, taken())
				held.Unlock()
			}()
			require.NoError(t, s.lock(ctx, held))
			require.True(t, taken())
			return nil
		})
		require.NoError(t, err)
		require.False(t, taken())
	})
}

// Whoever cannot get its slot again because it is to end does not give it back twice.
func TestTail_SlotIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		held := newTurn()
		err := inSlot(ctx, free, func(ctx context.Context) error {
			c := slotOf(ctx).rest()
			defer c.End()
			free <- struct{}{} // another's, who keeps it
			cancel()
			return c.GoOn(ctx)
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, free, 1)
		require.ErrorIs(t, (*slot)(nil).lock(ctx, held), context.Canceled)
		require.Empty(t, held)
	})
}
