package location

import (
	"context"
	"log/slog"
	"time"

	"logseal/ingest/pipeline"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/sink/s3"
)

const (
	// LoadPatience is how long load waits for a bucket that cannot be reached: for as long as it
	// takes, since it catches up by itself, and a line in the log says what it waits for.
	LoadPatience = 0
	// lookPatience is the same for a command that someone waits for.
	lookPatience = 2 * time.Minute
)

// OpenWriter opens the sink for the writer with this id; a folder is made when it is not there.
func (t SinkURL) OpenWriter(ctx context.Context, log *slog.Logger, id string) (sink.Store, error) {
	store, err := t.OpenStore(ctx, id)
	if err != nil || t.Bucket == nil {
		return store, err
	}
	return t.Patient(store, log, LoadPatience), nil
}

// OpenStore opens the sink for the writer with this id, which is told at once what cannot be done.
func (t SinkURL) OpenStore(ctx context.Context, id string) (sink.Store, error) {
	if t.Bucket == nil {
		return dir.New(t.Sink, id, t.mode)
	}
	return s3.New(ctx, *t.Bucket)
}

// OpenReader opens the sink for reading and deleting; it makes nothing. The error is
// fs.ErrNotExist when there is no such folder.
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

// Patient repeats for so long, 0 for ever, what a store cannot do now.
func (t SinkURL) Patient(store sink.Store, log *slog.Logger, patience time.Duration) *pipeline.Retrier {
	return &pipeline.Retrier{Store: store, Limit: patience, Log: log.With("sink", t.Sink)}
}
