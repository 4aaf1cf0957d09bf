package sink_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
)

// damagedStore gives an object damaged in its middle, times times, and then whole.
type damagedStore struct {
	sink.Store
	times int
}

func (s *damagedStore) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	body, info, err := s.Store.Get(ctx, key)
	if err != nil || s.times == 0 {
		return body, info, err
	}
	s.times--
	damaged := iotest.ErrReader(&sink.DamagedError{Err: errors.New("checksums differ")})
	return io.NopCloser(io.MultiReader(io.LimitReader(body, info.Size/2), damaged)), info, nil
}

func TestGetDocument_DamagedOnceIsReadAgain(t *testing.T) {
	store := &damagedStore{Store: sinktest.NewMemory(t)}
	want := []byte("a small document")
	require.NoError(t, store.Put(t.Context(), sinktest.Object(sinktest.Key(1), want)))
	store.times = 1
	have, err := sink.GetDocument(t.Context(), store, sinktest.Key(1))
	require.NoError(t, err)
	require.Equal(t, string(want), string(have))
	store.times = 2
	_, err = sink.GetDocument(t.Context(), store, sinktest.Key(1))
	require.ErrorAs(t, err, new(*sink.DamagedError))
	require.ErrorContains(t, err, "restore it")
}
