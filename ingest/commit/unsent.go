package commit

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

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
func (r *Engine) FindUnsent() error {
	return r.eachWaiting(func(key source.Key, src *offsets.Source) error {
		r.unsent.note(key, src)
		return nil
	})
}

// eachWaiting goes through the sources of the ledger with something in the outbox.
func (r *Engine) eachWaiting(do func(source.Key, *offsets.Source) error) error {
	keys, err := r.Ledger.Waiting()
	if err != nil {
		return err
	}
	return r.Each(keys, do)
}

// Each goes through sources. One that the ledger does not have is left out.
func (r *Engine) Each(keys []source.Key, do func(source.Key, *offsets.Source) error) error {
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
