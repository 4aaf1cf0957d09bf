package commit

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// putsAtOnce is how many objects of one batch are put at a time: enough to hide a round trip, few
// enough that several sources at once stay within a usual connection limit.
const putsAtOnce = 8

// Ship puts what the outbox holds, in order, until it is empty. Each step may be repeated at any
// time, so this is recovery too.
func (h *shipper) Ship(ctx context.Context) error {
	for len(h.Src.Outbox) > 0 {
		if err := h.Ordinal.checkPredecessors(ctx); err != nil {
			return err
		}
		if err := h.RetryWhileDiskFull(ctx, func() error { return h.shipNext(ctx) }); err != nil {
			return err
		}
		h.Sealed = true
	}
	return nil
}

// shipNext moves the first batch of the outbox one step on: it is shipped, or its start is found
// to be lost, or its files are found to be gone and the source is rewound to it.
func (h *shipper) shipNext(ctx context.Context) error {
	if len(h.Src.Outbox) == 0 {
		return nil // it was declared lost meanwhile
	}
	e := h.Src.Outbox[0]
	_, own := h.Cutter.counts[e.Range.Start]
	there, tried, err := h.putIfFree(ctx, e, !own)
	switch {
	case errors.Is(err, errAskAgain):
		return nil
	case err != nil:
		if tried && ctx.Err() == nil {
			if whole, unread := h.Orphans.SpooledWhole(e); !whole && unread == nil {
				return h.rewind(ctx)
			}
		}
		return err
	case there == nil:
		return h.shipped(e)
	case !isLoss(there):
		return h.lostStart(ctx, e, there)
	}
	return h.shipOverLoss(ctx, e, there)
}

// shipOverLoss ships a batch at whose start a loss was declared: if the batch has just these bytes, they are found.
func (h *shipper) shipOverLoss(ctx context.Context, e offsets.Entry, there *table.Manifest) error {
	own, _, err := h.Recovery.Spooled(e.Spool)
	if err != nil || !takesBack(own.Manifest, there) {
		return h.lostStart(ctx, e, there)
	}
	whole, err := h.Retrieval.findAgain(ctx, own.Manifest)
	switch {
	case err != nil:
		return err
	case !whole:
		return h.adopt(ctx, there)
	}
	return h.shipped(e)
}

// putIfFree is the one step that ships: it puts a batch unless a manifest stands at the batch's start. It gives
// the manifest of another batch that stands there; nil says that the batch is committed, by this call, by an
// earlier one, or by another writer with the same bytes. tried says that it put something. Every caller may
// repeat it at any time.
func (h *shipper) putIfFree(
	ctx context.Context, e offsets.Entry, maybe bool,
) (there *table.Manifest, tried bool, err error) {
	there, err = h.Bucket.manifestAt(ctx, h.Key, e.Range.Start)
	switch {
	case errors.Is(err, sink.ErrNotFound):
		return nil, true, h.put(ctx, e, maybe)
	case err != nil:
		return nil, false, err
	case there.End == e.Range.End && there.Seal == e.Seal:
		return nil, false, nil
	}
	return there, false, nil
}

// errAskAgain says that somebody else's manifest came to the batch's start first.
var errAskAgain = errors.New("the start was taken meanwhile")

// put puts a batch: the epoch and the objects in any order, then the manifest. maybe says that an
// earlier run may have put some of it.
func (h *shipper) put(ctx context.Context, e offsets.Entry, maybe bool) error {
	if e.Range.Start == 0 {
		if err := h.Ordinal.Begin(ctx, e); err != nil {
			return err
		}
	}
	return h.putAs(ctx, e, maybe, table.ManifestKey(h.Key, e.Range.Start))
}

func (h *shipper) putAs(ctx context.Context, e offsets.Entry, maybe bool, key string) error {
	m, body, err := h.Recovery.Spooled(e.Spool)
	if err != nil {
		return err
	}
	if m.Loss == nil {
		if err := h.putObjects(ctx, e, m.Manifest, maybe); err != nil {
			return asConflict(h.Path, err)
		}
	}
	// All that the manifest names is there. If we die now, the objects wait as unfinished until we
	// or somebody else puts it.
	err = sink.PutDocument(ctx, h.Store, key, body)
	var conflict *sink.ConflictError
	if errors.As(err, &conflict) {
		return errAskAgain
	}
	if err == nil && key == table.ManifestKey(h.Key, e.Range.Start) {
		h.Sources.Families.saw(h.Key, stepOf(m.Manifest))
	}
	return err
}

func (h *shipper) putObjects(
	ctx context.Context, e offsets.Entry, m *table.Manifest, maybe bool,
) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(h.PutsAtOnce)
	g.Go(func() error { return h.putEpoch(ctx, e, m) })
	for i, o := range m.Objects {
		g.Go(func() error {
			return h.Store.Put(ctx, sink.Object{
				Key: o.Key, Size: o.Bytes, SHA256: o.SHA256, Meta: h.provenance(),
				Open:  func() (io.ReadCloser, error) { return h.Spool.Open(e.Spool, i) },
				Maybe: maybe,
			})
		})
	}
	return g.Wait()
}

// putEpoch puts the definition that the batch was sealed under, once a run.
func (h *shipper) putEpoch(ctx context.Context, e offsets.Entry, m *table.Manifest) error {
	key := table.EpochKey(h.Key.Table, m.Epoch)
	if _, done := h.Bucket.epochs.Load(key); done {
		return nil
	}
	f, err := h.Spool.Open(e.Spool, len(m.Objects))
	if err != nil {
		return fmt.Errorf("read %s in the spool: %w", e.Spool, err)
	}
	defer f.Close()
	body, err := sink.ReadDocument(f)
	if err != nil {
		return fmt.Errorf("read %s in the spool: %w", e.Spool, err)
	}
	if source.DigestOf(body) != m.Epoch {
		return fmt.Errorf("epoch of %s in the spool is not the one its manifest names", e.Spool)
	}
	if err := sink.PutDocument(ctx, h.Store, key, body); err != nil {
		return err
	}
	h.Bucket.epochs.Store(key, true)
	return nil
}

// asConflict stops the source, and only it, when a key of its batch holds other bytes.
func asConflict(path string, err error) error {
	var conflict *sink.ConflictError
	if !errors.As(err, &conflict) {
		return err
	}
	return Stop(Conflict, path, "%v: the encoder is not deterministic or the store is damaged; "+
		"the batch stays in the spool and this source stops; compare with `ingest verify --deep`",
		conflict)
}

// noteShipped notes that a batch is committed: its manifest is in the bucket.
//
// Its files go from the spool first, so that a disk that is full has room for the transaction. If
// we die in between, an entry without files is left, whose manifest is found.
func (h *shipper) noteShipped(e offsets.Entry) error {
	if err := h.Spool.Remove(e.Spool); err != nil {
		return fmt.Errorf("remove %s from the spool: %w", e.Spool, err)
	}
	err := h.Ledger.Update(h.Key, func(s *offsets.Source) error {
		if len(s.Outbox) == 0 || s.Outbox[0] != e {
			return fmt.Errorf("batch %s is not the next to ship", e.Spool)
		}
		s.Outbox = s.Outbox[1:]
		s.Shipped, s.LastStart, s.Head = e.Range.End, e.Range.Start, nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("update source %s in the ledger: %w", h.Key.ID, err)
	}
	h.Counters.Add(func(r *Report) { r.Shipped++ })
	return nil
}

// shipped notes it, and takes over what the ledger then says.
func (h *shipper) shipped(e offsets.Entry) error {
	if err := h.noteShipped(e); err != nil {
		return err
	}
	return h.Refresh()
}

// CheckBehind asks, before the first batch of a run, for the last manifest that the ledger has
// shipped of this source: a bucket that does not have it was emptied or rolled back.
func (h *shipper) CheckBehind(ctx context.Context) error {
	if h.Src.Shipped == 0 || h.Src.LastStart < 0 {
		return nil
	}
	_, err := h.Bucket.manifestAt(ctx, h.Key, h.Src.LastStart)
	if errors.Is(err, sink.ErrNotFound) {
		return fmt.Errorf("%w: %s has no %s, which the ledger has shipped; restore the sink, or "+
			"`ingest state rebuild` to take it as it is", ErrBehind, h.Store.Name(),
			table.ManifestKey(h.Key, h.Src.LastStart))
	}
	return err
}

// named reports whether a manifest names an object.
func named(m *table.Manifest, key string) bool {
	for _, o := range m.Objects {
		if o.Key == key {
			return true
		}
	}
	return false
}

// shipper puts the batches of the source in their order, and gives way to a writer that was first.
type shipper struct {
	*Writer

	MayBeBehind bool // another writer may be ahead: ask before cutting
}
