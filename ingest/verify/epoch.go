package verify

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/parse"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// epoch is the definition that batches were made under, as far as it could be read.
type epoch struct {
	def *table.Epoch // nil when it is missing or cannot be read
	// whole says that def holds all that the definition says: only then can a batch be derived
	// again.
	whole  bool
	parser *parse.Parser // compiled when first needed
}

// epoch gives the epoch that a manifest names. That it is missing or differs is reported once.
func (v *verifier) epoch(ctx context.Context, m *table.Manifest) (*epoch, error) {
	key := table.EpochKey(m.Table(), m.Epoch)
	if e := v.epochs[key]; e != nil {
		return e, nil
	}
	e := &epoch{}
	v.epochs[key] = e
	body, _, err := read(ctx, v.Store, key)
	if errors.Is(err, sink.ErrNotFound) {
		v.found.add(Missing, key, "%s, which %s names, is missing, so its batches cannot be derived "+
			"again; restore it from a copy of the sink", key, m.Key())
		return e, nil
	}
	if err != nil && !errors.Is(err, sink.ErrOversized) {
		return nil, fmt.Errorf("read epoch: %w", err)
	}
	if source.DigestOf(body) != m.Epoch {
		v.found.add(Differing, key, "%s does not hold the bytes that it is named after; restore it "+
			"from a copy of the sink", key)
		return e, nil
	}
	def, err := table.ParseEpoch(body)
	if err == nil && def.Table() != m.Table() {
		err = fmt.Errorf("it is of table %s", def.Table())
	}
	if err != nil {
		v.found.add(Differing, key, "%s cannot be read (%v); a newer ingest may have written it",
			key, err)
		return e, nil
	}
	e.def, e.whole = def, def.ID() == m.Epoch
	return e, nil
}
