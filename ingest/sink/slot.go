package sink

import "context"

// Slot is the right to ask a store for something, of which there are few. A store that waits before it
// repeats a call tells the Slot, so that somebody else has the right meanwhile. A Slot may be used by
// several goroutines at once.
type Slot interface {
	// Begin begins a call of a store, and waits for the right if it was given back. With an error no call
	// began.
	Begin(ctx context.Context) (SlotCall, error)
}

// SlotCall is one call of a store. One goroutine uses it.
type SlotCall interface {
	// Wait says that the call asks the store for nothing until GoOn.
	Wait()
	// GoOn ends the wait, if there is one: it waits for the right. After an error the call may only end.
	GoOn(ctx context.Context) error
	// End ends the call, also while it waits.
	End()
}

type slotKey struct{}

// WithSlot gives a context whose calls use the right of s.
func WithSlot(ctx context.Context, s Slot) context.Context {
	return context.WithValue(ctx, slotKey{}, s)
}

// SlotOf gives the Slot of a context. Without one it is a Slot that never waits.
func SlotOf(ctx context.Context) Slot {
	if s, ok := ctx.Value(slotKey{}).(Slot); ok {
		return s
	}
	return noSlot{}
}

// noSlot is the Slot of a context that has none: everybody has the right.
type noSlot struct{}

var (
	_ Slot     = noSlot{}
	_ SlotCall = noSlot{}
)

func (noSlot) Begin(context.Context) (SlotCall, error) { return noSlot{}, nil }
func (noSlot) Wait()                                   {}
func (noSlot) GoOn(context.Context) error              { return nil }
func (noSlot) End()                                    {}
