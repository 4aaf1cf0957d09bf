package commit

import (
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// placed is what stands, or is to stand, at the place of a batch: a batch or, in its stead, the
// declared loss of a range. Of a loss the manifest says what the source's other batches need to
// know: where it is and the chains at its ends. It has no objects and no epoch.
type placed struct {
	*table.Manifest
	Loss *table.Loss // nil for a batch
}

// parsePlaced reads a manifest or a loss that stands for one.
func parsePlaced(body []byte) (placed, error) {
	m, err := table.ParseManifest(body)
	if err == nil {
		return placed{Manifest: m}, nil
	}
	l, lossErr := table.ParseLoss(body)
	if lossErr != nil || l.Kind != table.Lost {
		return placed{}, err
	}
	return PlacedLoss(l), nil
}

// PlacedLoss makes a loss of kind Lost what stands for a batch. Its seal is of no epoch.
func PlacedLoss(l *table.Loss) placed {
	return placed{Loss: l, Manifest: &table.Manifest{
		Format: l.Format, Stream: l.Stream, Version: l.Version, Origin: l.Origin, SID: l.SID, K: l.K,
		Seal: source.NewSeal(*l.ChainOut, source.Digest{}), Start: l.Start, End: *l.End,
		ChainIn: l.ChainIn, ChainOut: *l.ChainOut, ChainState: *l.ChainState,
		Marks: l.Marks, Rest: l.Rest,
	}}
}

// validateFor returns an error unless it may stand at key.
func (p placed) validateFor(key string) error {
	if p.Loss != nil {
		return p.Loss.ValidateFor(key)
	}
	return p.ValidateFor(key)
}

// isLoss tells whether a manifest stands for a loss.
func isLoss(m *table.Manifest) bool { return m.Epoch == source.Digest{} }
