// Package s3 is the sink.Store that is a prefix of a bucket, and reads logs from buckets.
//
// Invariants:
//
//   - An object is put by one PutObject with If-None-Match: * and the SHA-256 that the store
//     checks, or the MD5 where a store lacks that. There are no multipart uploads, no copies and
//     nothing is ever replaced.
//   - Put acknowledges what the store answered 200 to, or what a HEAD after an unclear answer
//     showed to be there with the same SHA-256 and size.
//   - Each call of a Store makes one attempt. Its error says whether to try again
//     (sink.TransientError) or what to change (sink.RefusedError). Only readers, lists and a Bucket
//     go on by themselves: those of a Store for some seconds without progress.
//   - Only keys below the prefix are touched. Credentials come from the SDK's chain and are in no
//     error.
//
// What is assumed of the store: If-None-Match is atomic for a key, a 2xx is durable, and a HEAD
// after a 412 sees the winner. Probe finds out whether If-None-Match means anything to it.
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
