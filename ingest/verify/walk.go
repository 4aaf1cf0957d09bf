package verify

import (
	"context"

	"logseal/ingest/source"
	"logseal/ingest/table"
)

// walk judges all manifests, source by source, each source in the order of its offsets: as they
// are listed.
func (v *verifier) walk(ctx context.Context) error {
	var c *coverage // of the source whose keys are being listed
	err := v.eachPlace(ctx, func(ctx context.Context, k table.ParsedKey, p place) error {
		if c != nil && c.key != k.Source {
			if err := c.finish(ctx); err != nil {
				return err
			}
			c = nil
		}
		if c == nil {
			if v.points.table != k.Source.Table {
				v.points.match(v.addTwin)
				v.points = newPoints(k.Source.Table)
			}
			c = &coverage{v: v, key: k.Source, chain: source.Origin().Chain, known: true}
		}
		return c.add(ctx, k, p)
	})
	if err == nil && c != nil {
		err = c.finish(ctx)
	}
	if err == nil {
		v.points.match(v.addTwin)
	}
	return err
}

// group is what was listed at one start of a source: of a batch or a loss, of the batch that was
// found, of a note.
type group struct {
	start  int64
	places map[table.KeyKind]place
}

func newGroup(start int64) *group {
	return &group{start: start, places: map[table.KeyKind]place{}}
}

// look gives what stands at a group's start: in a manifest's place and, when that was listed or is
// to be expected beside a loss, where a batch is found. What was not listed is asked for.
func (v *verifier) look(ctx context.Context, k source.Key, g *group) (at, found place, err error) {
	at, listed := g.places[table.ManifestKind]
	if !listed {
		at, err = v.fetch(ctx, table.ManifestKey(k, g.start))
	}
	if err != nil || at.broken != "" {
		return at, place{}, err
	}
	found, listed = g.places[table.FoundKind]
	if !listed && at.commit != nil && at.commit.Loss != nil {
		found, err = v.fetch(ctx, table.FoundKey(k, g.start))
	}
	return at, found, err
}
