package verify

import (
	"context"
	"errors"

	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Files yields the key of every object that the manifests of a stream, or of all, name: rows and
// rejects, batch by batch. It is exact at any moment, whatever else lies in the sink. It does not
// look at the objects; a manifest that cannot be trusted is an error. It stops at the first error
// of yield, which it returns.
func Files(ctx context.Context, o Options, yield func(key string) error) error {
	if err := checkRoot(ctx, o.Store); err != nil {
		return err
	}
	m := newManifests(o, newFindings(nil))
	var of source.Key
	var g *group
	err := m.eachPlace(ctx, func(ctx context.Context, k table.ParsedKey, p place) error {
		if g != nil && (k.Source != of || k.Start != g.start) {
			if err := m.yieldBatch(ctx, of, g, yield); err != nil {
				return err
			}
			g = nil
		}
		if g == nil {
			of, g = k.Source, newGroup(k.Start)
		}
		g.places[k.Kind] = p
		return nil
	})
	if err != nil || g == nil {
		return err
	}
	return m.yieldBatch(ctx, of, g, yield)
}

// yieldBatch yields the objects of the batch that counts at a start.
func (m *manifests) yieldBatch(ctx context.Context, k source.Key, g *group,
	yield func(string) error) error {
	_, listed := g.places[table.ManifestKind]
	_, found := g.places[table.FoundKind]
	if !listed && !found {
		return nil // a note
	}
	at, beside, err := m.look(ctx, k, g)
	if err != nil {
		return err
	}
	if at.broken == "" && (at.commit == nil || at.commit.Loss != nil) {
		at = beside
	}
	if at.broken != "" {
		return errors.New(at.broken)
	}
	if at.commit == nil {
		return nil
	}
	for _, object := range at.commit.Manifest.Objects {
		if err := yield(object.Key); err != nil {
			return err
		}
	}
	return nil
}
