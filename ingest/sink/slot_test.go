package sink

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// aSlot is a Slot of some kind.
type aSlot struct{ noSlot }

func TestSlotOf(t *testing.T) {
	ctx := WithSlot(t.Context(), aSlot{})
	require.Equal(t, aSlot{}, SlotOf(ctx))
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	require.Equal(t, aSlot{}, SlotOf(within))

	call, err := SlotOf(t.Context()).Begin(t.Context()) // without one everybody has the right
	require.NoError(t, err)
	call.Wait()
	require.NoError(t, call.GoOn(t.Context()))
	call.End()
}
