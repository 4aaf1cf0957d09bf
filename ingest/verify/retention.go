package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/sink"
)

// absent reports an object that the batch's manifest names and that is not there. Objects go when
// they are old, manifests stay: so it is expired if its manifest is older than its stream keeps
// objects, and missing in every other case, also when nobody can tell how old that is.
func (b *batchCheck) absent(ctx context.Context, key string) error {
	keep, ok := b.v.Retention[b.m.Stream]
	if ok {
		put, err := b.put(ctx)
		if err != nil {
			return err
		}
		if !put.IsZero() && time.Since(put) > keep {
			b.v.found.add(Expired, key, "%s is not there; its manifest %s was put %s, longer ago than the "+
				"retention of stream %s", key, b.at.key, put.UTC().Format(time.RFC3339), b.m.Stream)
			return nil
		}
	}
	b.v.found.add(Missing, key, "%s, which %s names, is missing; restore it from a copy of the "+
		"sink, or write its source to a new version", key, b.m.Key())
	return nil
}

// put tells when the batch's manifest was put; zero if the store does not say.
func (b *batchCheck) put(ctx context.Context) (time.Time, error) {
	if !b.at.put.IsZero() {
		return b.at.put, nil
	}
	info, err := b.v.Store.Stat(ctx, b.at.key)
	if errors.Is(err, sink.ErrNotFound) { // someone is deleting manifests: nothing to go by
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("stat manifest: %w", err)
	}
	return info.Modified, nil
}
