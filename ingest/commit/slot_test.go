package commit

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A slot is given back while all that is done in it waits, and only then.
func TestSlot_IsGivenBackWhileAllWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{}, 1)
		taken := func() bool { return len(free) == 1 }
		err := InSlot(t.Context(), free, func(ctx context.Context) error {
			s := SlotOf(ctx)
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
			held := NewTurn()
			held.Lock()
			go func() {
				synctest.Wait()
				require.False(t, taken())
				held.Unlock()
			}()
			require.NoError(t, s.Lock(ctx, held))
			require.True(t, taken())
			return nil
		})
		require.NoError(t, err)
		require.False(t, taken())
	})
}

// Whoever cannot get its slot again because it is to end does not give it back twice.
func TestSlot_IsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		held := NewTurn()
		err := InSlot(ctx, free, func(ctx context.Context) error {
			c := SlotOf(ctx).rest()
			defer c.End()
			free <- struct{}{} // another's, who keeps it
			cancel()
			return c.GoOn(ctx)
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, free, 1)
		require.ErrorIs(t, (*slot)(nil).Lock(ctx, held), context.Canceled)
		require.Empty(t, held)
	})
}
