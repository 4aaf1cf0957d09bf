package commit

import (
	"context"
	"errors"
	"slices"
	"sort"
	"sync"

	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// getsAtOnce is how many manifests of one source are fetched at a time: it may have thousands, each
// a round trip away.
const getsAtOnce = 16

// walk reads a source's manifests from offset 0 for as long as they chain on, and finds where the
// next one after a hole begins (0 for none). A list says which to fetch ahead; it is a hint, so the
// first that it does not have is asked for.
func (r *Engine) walk(ctx context.Context, key source.Key) (ms []*table.Manifest, barrier int64, err error) {
	return r.walkFrom(ctx, key, 0)
}

// walkFrom is walk from a place on at which a manifest is known to end.
func (r *Engine) walkFrom(ctx context.Context, key source.Key, at int64) (
	ms []*table.Manifest, barrier int64, err error,
) {
	var listed []int64
	if at > 0 {
		if listed, err = r.listStarts(ctx, key); err != nil {
			return nil, 0, err
		}
	}
	ahead := r.fetchFrom(ctx, key, listed, at)
	for {
		m := ahead[at]
		if m == nil {
			m, err = r.manifestAt(ctx, key, at)
		}
		if errors.Is(err, sink.ErrNotFound) {
			return ms, nextAfter(listed, at), nil
		}
		if err != nil {
			return nil, 0, err
		}
		delete(ahead, at)
		ms = append(ms, m)
		at = m.End
		if m.Start == 0 {
			if listed, err = r.listStarts(ctx, key); err != nil {
				return nil, 0, err
			}
		}
		if len(ahead) == 0 {
			ahead = r.fetchFrom(ctx, key, listed, at)
		}
	}
}

// listStarts lists where a source's manifests begin.
func (r *Engine) listStarts(ctx context.Context, key source.Key) (starts []int64, err error) {
	prefix := table.SourcePrefix(key)
	for info, err := range r.Store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if k, err := table.ParseKey(info.Key); err == nil && k.Kind == table.ManifestKind {
			starts = append(starts, k.Start)
		}
	}
	slices.Sort(starts)
	return starts, nil
}

// nextAfter is the first start behind at, 0 when there is none.
func nextAfter(starts []int64, at int64) int64 {
	i := sort.Search(len(starts), func(i int) bool { return starts[i] > at })
	if i == len(starts) {
		return 0
	}
	return starts[i]
}

// fetchFrom reads the next few listed manifests that begin at or behind at, if one begins at it. One
// that cannot be read is left out: it may never be asked for.
func (r *Engine) fetchFrom(
	ctx context.Context, key source.Key, starts []int64, at int64,
) map[int64]*table.Manifest {
	i, ok := slices.BinarySearch(starts, at)
	if !ok {
		return nil
	}
	some := starts[i:min(len(starts), i+r.GetsAtOnce)]
	got := make([]*table.Manifest, len(some))
	var wg sync.WaitGroup
	for i, start := range some {
		wg.Go(func() {
			if m, err := r.manifestAt(ctx, key, start); err == nil {
				got[i] = m
			}
		})
	}
	wg.Wait()
	ahead := map[int64]*table.Manifest{}
	for i, m := range got {
		if m != nil {
			ahead[some[i]] = m
		}
	}
	return ahead
}

// AnyManifest tells whether a table has any batch of an origin, as that stands in keys, or of any when
// it is empty.
func (r *Engine) AnyManifest(ctx context.Context, t source.Table, origin string) (bool, error) {
	prefix := table.ManifestPrefix(t)
	if origin != "" {
		prefix += origin + "/"
	}
	for _, err := range r.Store.List(ctx, prefix) {
		return err == nil, err
	}
	return false, nil
}
