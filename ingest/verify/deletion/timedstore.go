package deletion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/sink"
)

// timedStore asks a sink and waits for each answer until a timeout: whoever asks goes on with the next log
// then.
type timedStore struct {
	sink    sink.Store
	timeout time.Duration
}

// read reads a small object whole.
func (s *timedStore) read(ctx context.Context, key string) (body []byte, info sink.Info, err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		r, got, err := s.sink.Get(ctx, key)
		if err != nil {
			return err
		}
		defer r.Close()
		info = got
		if body, err = sink.ReadDocument(r); err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		return nil
	})
	return body, info, err
}

// stat asks about an object.
func (s *timedStore) stat(ctx context.Context, key string) (info sink.Info, err error) {
	err = s.within(ctx, func(ctx context.Context) (err error) {
		info, err = s.sink.Stat(ctx, key)
		return err
	})
	return info, err
}

func (s *timedStore) within(ctx context.Context, ask func(context.Context) error) error {
	late, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := ask(late)
	if err != nil && ctx.Err() == nil && errors.Is(late.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the sink %s gave no answer within %v; ask again when it does, or give it more "+
			"time with --timeout: %w", s.sink.Name(), s.timeout, err)
	}
	return err
}
