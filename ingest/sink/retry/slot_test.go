package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
)

// notedSlot notes what a call tells it.
type notedSlot struct {
	told []string
	deny error // GoOn gives it
}

func (s *notedSlot) note(what string) { s.told = append(s.told, what) }

func (s *notedSlot) Begin(context.Context) (sink.SlotCall, error) {
	s.note("begin")
	return s, nil
}

func (s *notedSlot) Wait() { s.note("wait") }
func (s *notedSlot) End()  { s.note("end") }

func (s *notedSlot) GoOn(context.Context) error {
	s.note("go on")
	return s.deny
}

func TestStore_HoldsNoSlotWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: sinktest.NewMemory(t), faults: []error{transient(0), transient(0)}}
		slot := &notedSlot{}
		_, err := (&Store{Store: f}).Stat(sink.WithSlot(t.Context(), slot), sinktest.Key(1))
		require.ErrorIs(t, err, sink.ErrNotFound)
		require.Equal(t, []string{"begin", "go on", "wait", "go on", "wait", "go on", "end"}, slot.told)
	})
}

func TestStore_CallsNothingWithoutASlot(t *testing.T) {
	f := &flaky{Store: sinktest.NewMemory(t)}
	slot := &notedSlot{deny: errors.New("it is to end")}
	err := (&Store{Store: f}).Put(sink.WithSlot(t.Context(), slot), sinktest.Object(sinktest.Key(1), []byte("x")))
	require.ErrorIs(t, err, slot.deny)
	require.Empty(t, f.puts)
	require.Equal(t, []string{"begin", "go on", "end"}, slot.told)
}
