package verify

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// walk reads all manifests, source by source, each source in the order of its offsets: as they
// are listed.
func (v *verifier) walk(ctx context.Context) error {
	var c *coverage // of the source whose keys are being listed
	for info, err := range v.Store.List(ctx, streamPrefix(seal.ManifestFolder, v.Stream)) {
		if err != nil {
			return fmt.Errorf("list manifests: %w", err)
		}
		k, err := seal.ParseKey(info.Key)
		if err != nil {
			v.stray(info.Key)
			continue
		}
		if c != nil && c.key != k.Source {
			if err := c.finish(ctx); err != nil {
				return err
			}
			c = nil
		}
		if c == nil {
			c = &coverage{v: v, key: k.Source, chain: source.Origin().Chain, known: true}
		}
		if err := c.add(ctx, k); err != nil {
			return err
		}
	}
	if c == nil {
		return nil
	}
	return c.finish(ctx)
}

// group is the keys that stand at one start of a source: of a batch or a loss, of the batch that
// was found, of a note.
type group struct {
	start int64
	seen  map[seal.KeyKind]bool
}

// fetch reads what stands at a key. It is nil when there is nothing; ok is false when it is not
// what its key says, which is reported.
func (v *verifier) fetch(ctx context.Context, key string) (c *seal.Commit, ok bool, err error) {
	body, err := read(ctx, v.Store, key)
	if errors.Is(err, sink.ErrNotFound) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read manifest: %w", err)
	}
	commit, err := seal.ParseCommit(key, body)
	if err != nil {
		v.report.add(Differing, key, "%v; it was changed after it was put, so restore it from a copy "+
			"of the sink", err)
		return nil, false, nil
	}
	return &commit, true, nil
}
