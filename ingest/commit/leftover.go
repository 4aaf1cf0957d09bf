package commit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// orphanObjects are the data objects whose batch has no manifest, by source and start: what a run that
// died together with its state had put. Cutting where it cut makes them ours again. That is
// tidiness: nothing depends on it.
type orphanObjects map[leftoverAt][]table.BatchName

type leftoverAt struct {
	table source.Table
	id    source.ID
	start int64
}

// FindOrphanObjects lists the tables once: data first, so that what is committed meanwhile is not taken
// for a leftover, then the manifests.
func (r *recovery) FindOrphanObjects(ctx context.Context) (orphanObjects, error) {
	found := orphanObjects{}
	for i := range r.Streams {
		t := r.Streams[i].Table()
		for _, prefix := range []string{
			table.DataPrefix(t), table.QuarantinePrefix(t), table.ManifestPrefix(t),
		} {
			if err := r.noteKeys(ctx, prefix, found); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (r *recovery) noteKeys(ctx context.Context, prefix string, found orphanObjects) error {
	for info, err := range r.Store.List(ctx, prefix) {
		if err != nil {
			return err
		}
		if k, err := table.ParseKey(info.Key); err == nil {
			found.note(k)
		}
	}
	return nil
}

func (l orphanObjects) note(k table.ParsedKey) {
	switch k.Kind {
	case table.DataKind, table.QuarantineKind:
		at := leftoverAt{k.Table, k.Batch.ID, k.Batch.Range.Start}
		if !slices.Contains(l[at], k.Batch) {
			l[at] = append(l[at], k.Batch)
		}
	case table.ManifestKind:
		delete(l, leftoverAt{k.Table, k.Source.ID, k.Start})
	}
}

// limit is how large the next range may be: the stream's limit or, where a leftover starts, its
// size, when it is within the limit and the file and its seal is the one that this file and epoch
// give there. Of several the longest counts.
func (u *cutter) limit(ctx context.Context) (int64, error) {
	most := u.Stream.MaxBytes
	at := leftoverAt{u.Key.Table, u.Key.ID, u.Src.Sealed.Offset}
	names := slices.Clone(u.Recovery.OrphanObjects[at])
	if len(names) == 0 {
		return most, nil
	}
	slices.SortFunc(names, func(a, b table.BatchName) int { return cmp.Compare(b.Range.End, a.Range.End) })
	var ends []int64
	for _, n := range names {
		ends = append(ends, n.Range.End)
	}
	slices.Sort(ends)
	marks, _, err := MarksTo(ctx, u.File, slices.Compact(ends))
	if errors.As(err, new(*files.ShrunkError)) {
		return most, nil // the bytes before it are gone: what is left of them is sealed as it comes
	}
	if err != nil {
		return 0, err
	}
	for _, n := range names {
		m, ok := marks[n.Range.End]
		fits := most == 0 || n.Range.Len() <= most
		if ok && fits && source.NewSeal(m.Chain, u.Stream.Epoch.ID()) == n.Seal {
			return n.Range.Len(), nil
		}
	}
	return most, nil
}

// unsent holds the k of the sources of this ledger that are not the first with their head and of
// which nothing was shipped: those whose k can still change. There are few, however many sources
// there are.
type unsent struct {
	mu sync.Mutex
	by map[source.Key]uint64
}

func (u *unsent) note(key source.Key, s *offsets.Source) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s.K == 0 || s.Shipped > 0 {
		delete(u.by, key)
		return
	}
	if u.by == nil {
		u.by = map[source.Key]uint64{}
	}
	u.by[key] = s.K
}

// kth is a source with its k.
type kth struct {
	key source.Key
	k   uint64
}

// all gives them in the order of their k.
func (u *unsent) all() []kth {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []kth
	for key, k := range u.by {
		all = append(all, kth{key, k})
	}
	slices.SortFunc(all, func(a, b kth) int {
		return cmp.Or(cmp.Compare(a.k, b.k), bytes.Compare(a.key.ID[:], b.key.ID[:]))
	})
	return all
}

// FindUnsent asks the ledger once. A source of which nothing was shipped has an outbox.
func (r *recovery) FindUnsent() error {
	return r.eachWaiting(func(key source.Key, src *offsets.Source) error {
		r.unsent.note(key, src)
		return nil
	})
}

// eachWaiting goes through the sources of the ledger with something in the outbox.
func (r *recovery) eachWaiting(do func(source.Key, *offsets.Source) error) error {
	keys, err := r.Ledger.Waiting()
	if err != nil {
		return err
	}
	return r.Each(keys, do)
}

// Each goes through sources. One that the ledger does not have is left out.
func (r *recovery) Each(keys []source.Key, do func(source.Key, *offsets.Source) error) error {
	for _, key := range keys {
		src, ok, err := r.Ledger.Get(key)
		if err == nil && ok {
			err = do(key, src)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
