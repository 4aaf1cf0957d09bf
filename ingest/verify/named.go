package verify

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/seal"
)

// Files yields the key of every object that the manifests of a stream, or of all, name: rows and
// rejects, batch by batch. It is exact at any moment, whatever else lies in the sink. It does not
// look at the objects; a manifest that cannot be trusted is an error. It stops at the first error
// of yield, which it returns.
func Files(ctx context.Context, o Options, yield func(key string) error) error {
	if err := checkRoot(ctx, o.Store); err != nil {
		return err
	}
	var lastPlace string
	for info, err := range o.Store.List(ctx, streamPrefix(seal.ManifestFolder, o.Stream)) {
		if err != nil {
			return fmt.Errorf("list manifests: %w", err)
		}
		k, err := seal.ParseKey(info.Key)
		if err != nil || k.Kind == seal.NoteKind {
			continue
		}
		place := seal.ManifestKey(k.Source, k.Start)
		if place == lastPlace {
			continue // listed twice: as found and as lost
		}
		lastPlace = place
		if err := yieldBatch(ctx, o, k, yield); err != nil {
			return err
		}
	}
	return nil
}

// yieldBatch yields the objects of the batch that counts at a start.
func yieldBatch(ctx context.Context, o Options, k seal.ParsedKey, yield func(string) error) error {
	v := &verifier{Options: o, report: &Report{}}
	place, ok, err := v.fetch(ctx, seal.ManifestKey(k.Source, k.Start))
	if err == nil && ok && (place == nil || place.Loss != nil) {
		place, ok, err = v.fetch(ctx, seal.FoundKey(k.Source, k.Start))
	}
	if err != nil {
		return err
	}
	if !ok {
		return errors.New(v.report.Findings[0].Text)
	}
	if place == nil {
		return nil
	}
	for _, object := range place.Manifest.Objects {
		if err := yield(object.Key); err != nil {
			return err
		}
	}
	return nil
}
