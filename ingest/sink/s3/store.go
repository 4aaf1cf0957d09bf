// Package s3 is the sink.Store below a prefix of a bucket; it also reads logs from buckets.
//
// Invariants:
//
//   - One PutObject puts an object, with If-None-Match: * and with the SHA-256, which the store checks, or
//     with the MD5 if the store does not support SHA-256. The package makes no multipart uploads and no
//     copies, and replaces nothing.
//   - Put acknowledges an object if the store answered 200, or if a HEAD after an unclear answer showed the
//     object with the same SHA-256 and size.
//   - Each call of a Store makes one attempt. Its error says whether to try again (sink.TransientError) or
//     what to change (sink.RefusedError). Only readers, lists and a Bucket retry by themselves; those of a
//     Store stop after some seconds without progress.
//   - Only keys below the prefix are touched. Credentials come from the SDK's chain and appear in no error.
//
// Assumptions about the store: If-None-Match is atomic for a key, a 2xx is durable, and a HEAD after a 412
// sees the winner. Probe checks whether the store honours If-None-Match.
package s3

import (
	"context"

	"logseal/ingest/sink"
)

// Store is the objects below a prefix of a bucket. It is made by New.
type Store struct{ *client }

var (
	_ sink.Store  = (*Store)(nil)
	_ sink.Prober = (*Store)(nil)
)

// New gives the store that o means. Nothing is asked of it yet, so that it is there and lets us in
// shows with the first call.
func New(ctx context.Context, o Options) (*Store, error) {
	c, err := newClient(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Store{c}, nil
}

// Name implements sink.Store: what Options.Name gave when the store was made.
func (s *Store) Name() string { return s.name }
