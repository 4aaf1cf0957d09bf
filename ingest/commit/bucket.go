package commit

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// manifestAt asks for the manifest of the batch that starts at start, or for the loss that stands in
// its stead; the error is sink.ErrNotFound when there is neither.
func (r *Engine) manifestAt(ctx context.Context, key source.Key, start int64) (*table.Manifest, error) {
	p, err := r.placedAt(ctx, key, start)
	return p.Manifest, err
}

// placedAt is manifestAt, and tells which of the two it is.
func (r *Engine) placedAt(ctx context.Context, key source.Key, start int64) (placed, error) {
	name := table.ManifestKey(key, start)
	body, err := sink.GetDocument(ctx, r.Store, name)
	if err != nil {
		return placed{}, err
	}
	p, err := parsePlaced(body)
	if err == nil {
		err = p.validateFor(name)
	}
	if err != nil {
		return placed{}, fmt.Errorf("read %s: %w; run `ingest verify`", name, err)
	}
	r.Families.saw(key, stepOf(p.Manifest))
	return p, nil
}

// ErrMeaning is returned when a stream's definition is not one that its version may grow into.
var ErrMeaning = errors.New("the stream's meaning has changed")

// ErrBehind is returned when the ledger has shipped what the store does not have.
var ErrBehind = errors.New("the sink is behind the ledger")

// OpenTable reads logseal.json before anything else, or puts it where nothing was ever shipped. With
// it the store is asked whether it keeps what stands.
func (r *Engine) OpenTable(ctx context.Context) error {
	body, err := sink.GetDocument(ctx, r.Store, table.RootKey)
	if errors.Is(err, sink.ErrNotFound) {
		if err := r.neverShipped(); err != nil {
			return err
		}
		body = table.RootJSON()
		err = sink.PutDocument(ctx, r.Store, table.RootKey, body)
	}
	if err != nil {
		return err
	}
	if err := table.ParseRoot(body); err != nil {
		return fmt.Errorf("read %s in %s: %w", table.RootKey, r.Store.Name(), err)
	}
	if p, ok := r.Store.(sink.Prober); ok {
		return p.Probe(ctx, sink.Document(table.RootKey, body))
	}
	return nil
}

func (r *Engine) neverShipped() error {
	keys, err := r.Ledger.All()
	if err != nil {
		return err
	}
	return r.Each(keys, func(key source.Key, src *offsets.Source) error {
		if src.Shipped == 0 {
			return nil
		}
		return fmt.Errorf("%w: %s has no %s, but the ledger has shipped source %s up to %d; "+
			"point to the sink it was shipped to, or `ingest state rebuild` to start over",
			ErrBehind, r.Store.Name(), table.RootKey, key.ID, src.Shipped)
	})
}
