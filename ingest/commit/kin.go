package commit

import (
	"context"
	"errors"
	"slices"
	"sync"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Kin is a source of another origin that begins with the same head as one in hand. If it holds the
// same bytes the two are twins: their rows would be there twice.
type Kin struct {
	Key  source.Key
	Ends []offsets.End // what is known of its chain, in order; none when it has no batch yet
	// unwanted is up to where nobody wanted its bytes: it has no rows of them.
	unwanted int64
}

// FirstKin gives what the first manifests of sources say; of those without one what the ledger has
// sealed of them, if they are of it. At most `most` manifests are asked for, 0 is all: what is left
// out then is not given.
func (r *Engine) FirstKin(ctx context.Context, keys []source.Key, most int) ([]*Kin, error) {
	all := make([]*Kin, len(keys))
	r.herald.mu.Lock()
	var ask []int
	for i, key := range keys {
		if all[i] = r.herald.first[key]; all[i] == nil && (most == 0 || len(ask) < most) {
			ask = append(ask, i)
		}
	}
	r.herald.mu.Unlock()
	errs := make([]error, len(keys))
	turns := make(chan struct{}, r.GetsAtOnce)
	var wg sync.WaitGroup
	for _, i := range ask {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			all[i], errs[i] = r.askKin(ctx, keys[i])
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(k *Kin) bool { return k == nil }), nil
}

// askKin asks for the first manifest of a source.
func (r *Engine) askKin(ctx context.Context, key source.Key) (*Kin, error) {
	p, err := r.placedAt(ctx, key, 0)
	if errors.Is(err, sink.ErrNotFound) {
		return r.sealedKin(key)
	}
	if err != nil {
		return nil, err
	}
	k := &Kin{Key: key, Ends: endsOf(p.Manifest)}
	if p.Loss != nil && p.Loss.Reason == table.NotWanted {
		k.unwanted = p.End
	}
	r.herald.mu.Lock()
	defer r.herald.mu.Unlock()
	if r.herald.first == nil || len(r.herald.first) >= kinMax {
		r.herald.first = map[source.Key]*Kin{}
	}
	r.herald.first[key] = k // what stands there never changes
	return k, nil
}

// kinMax bounds the first manifests that are kept.
const kinMax = 4096

// sealedKin gives what the ledger has sealed of a source that the sink has nothing of.
func (r *Engine) sealedKin(key source.Key) (*Kin, error) {
	k := &Kin{Key: key}
	h, err := readHeld(r.Ledger, key)
	if err == nil && h.src != nil {
		k.Ends = h.points.UpTo(h.src.Sealed.Offset)
	}
	return k, err
}

// walkKin gives what all manifests of a source say.
func (r *Engine) walkKin(ctx context.Context, k *Kin) (*Kin, error) {
	ms, _, err := r.walk(ctx, k.Key)
	if err != nil || len(ms) == 0 {
		return k, err // of what the ledger has sealed it is all that is known
	}
	all := &Kin{Key: k.Key, unwanted: k.unwanted}
	for _, m := range ms {
		all.Ends = append(all.Ends, endsOf(m)...)
	}
	return all, nil
}

// StepKin gives what the first few manifests of a source say.
func (r *Engine) StepKin(ctx context.Context, k *Kin, most int) (*Kin, error) {
	all := &Kin{Key: k.Key, unwanted: k.unwanted, Ends: slices.Clone(k.Ends)}
	for n := 1; n < most; n++ {
		m, err := r.manifestAt(ctx, k.Key, all.Committed())
		if errors.Is(err, sink.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		all.Ends = append(all.Ends, endsOf(m)...)
	}
	return all, nil
}

// Committed is where the last known batch ends.
func (k *Kin) Committed() int64 { return k.Ends[len(k.Ends)-1].Offset }

// chains is what is known of a source in hand, by offset.
type chains map[int64]source.Digest

// against tells up to where a source in hand is known to say what k says, and whether it then says
// something else, or nothing that both would have rows of.
func (k *Kin) against(own chains) (agrees int64, apart bool) {
	for _, end := range k.Ends {
		chain, ok := own[end.Offset]
		switch {
		case !ok:
		case chain != end.Chain:
			return agrees, true
		default:
			agrees = end.Offset
		}
	}
	if _, longer := own[k.unwanted+1]; k.unwanted > 0 && !longer {
		return agrees, true
	}
	return agrees, false
}

// chainsOf reads in a file what its chains are where others have theirs.
func chainsOf(ctx context.Context, f *files.File, kins []*Kin) (chains, error) {
	var at []int64
	for _, k := range kins {
		for _, end := range k.Ends {
			at = append(at, end.Offset)
		}
		if k.unwanted > 0 {
			at = append(at, k.unwanted+1)
		}
	}
	if len(at) == 0 {
		return nil, nil
	}
	slices.Sort(at)
	marks, _, err := MarksTo(ctx, f, slices.Compact(at))
	own := chains{}
	for off, p := range marks {
		own[off] = p.Chain
	}
	return own, err
}

// sealedChains gives what the ledger knows of the chains of a source in hand.
func (r *Engine) sealedChains(key source.Key, kins []*Kin) (chains, error) {
	h, err := readHeld(r.Ledger, key)
	if err != nil || h.src == nil {
		return nil, err
	}
	own, sealed := chains{}, h.src.Sealed.Offset
	for _, end := range h.points.UpTo(sealed) {
		own[end.Offset] = end.Chain
	}
	for _, k := range kins {
		if _, known := own[k.unwanted+1]; !known && k.unwanted > 0 && sealed > k.unwanted {
			own[k.unwanted+1] = source.Digest{}
		}
	}
	return own, nil
}

// match is a source that may be a twin, with up to where it is known to say the same.
type match struct {
	*Kin
	Agrees int64
}

// matches leaves out those that say something else.
func matches(own chains, kins []*Kin) (some []match) {
	for _, k := range kins {
		if agrees, apart := k.against(own); !apart {
			some = append(some, match{k, agrees})
		}
	}
	return some
}
