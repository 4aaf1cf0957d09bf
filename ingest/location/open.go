package location

import (
	"context"
	"log/slog"
	"time"

	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/sink/retry"
	"logseal/ingest/sink/s3"
)

const (
	// LoadPatience is how long load waits for a bucket that cannot be reached: for as long as it
	// takes, since it catches up by itself, and a line in the log says what it waits for.
	LoadPatience = 0
	// lookPatience is the same for a command that someone waits for.
	lookPatience = 2 * time.Minute
)

// OpenWriter opens the sink for the writer with this id. It makes the folder of a folder sink.
func (t SinkURL) OpenWriter(ctx context.Context, log *slog.Logger, id string) (sink.Store, error) {
	store, err := t.OpenStore(ctx, id)
	if err != nil || t.Bucket == nil {
		return store, err
	}
	return t.Patient(store, log, LoadPatience), nil
}

// OpenStore opens the sink for the writer with this id. The store repeats nothing: a call that cannot succeed
// now fails at once.
func (t SinkURL) OpenStore(ctx context.Context, id string) (sink.Store, error) {
	if t.Bucket == nil {
		return dir.New(t.Sink, id, t.mode)
	}
	return s3.New(ctx, *t.Bucket)
}

// OpenReader opens the sink to read and to delete. It makes nothing; for a folder that does not exist the
// error is fs.ErrNotExist.
func (t SinkURL) OpenReader(ctx context.Context, log *slog.Logger) (sink.Store, error) {
	if t.Bucket == nil {
		return dir.NewReader(t.Sink)
	}
	t.WarnPlain(log)
	store, err := s3.New(ctx, *t.Bucket)
	if err != nil {
		return nil, err
	}
	return t.Patient(store, log, lookPatience), nil
}

// Patient wraps a store so that a call that cannot succeed now is repeated until patience has passed; 0
// repeats without end.
func (t SinkURL) Patient(store sink.Store, log *slog.Logger, patience time.Duration) *retry.Store {
	return &retry.Store{Store: store, Limit: patience, Log: log.With("sink", t.Sink)}
}
