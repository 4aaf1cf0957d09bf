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
	err := v.manifests.eachPlace(ctx, func(ctx context.Context, k table.ParsedKey, p place) error {
		if c != nil && c.key != k.Source {
			if err := c.finish(ctx); err != nil {
				return err
			}
			c = nil
		}
		if c == nil {
			if v.points.table != k.Source.Table {
				v.points.match(v.found.addTwin)
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
		v.points.match(v.found.addTwin)
	}
	return err
}
