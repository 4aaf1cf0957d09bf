package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"logseal/ingest/batch"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// classify notes, of every object of a source that no manifest has named so far, whether its place
// is taken.
func (v *verifier) classify(c *coverage) {
	owner := int32(-1)
	block := v.objects.block(c.key.Table, c.key.ID)
	for i := range block {
		p := &block[i]
		if p.state == named || p.state == dead {
			continue
		}
		if owner < 0 {
			owner = int32(len(v.objects.owners))
			v.objects.owners = append(v.objects.owners, c.key)
		}
		p.owner, p.state = owner, c.stateOf(p.name.Range)
	}
}

// stateOf tells whether a batch of the range can still be committed: not when another stands at
// its start or spans it. Of a range that is declared lost just that batch can still be found.
func (c *coverage) stateOf(r source.Range) state {
	found := open
	for _, s := range c.spans {
		switch {
		case s.Start == r.Start && s.loss && s.End == r.End:
			return open
		case s.Start == r.Start, s.Start < r.Start && r.Start < s.End:
			found = dead
		}
	}
	return found
}

// settleUnnamed reports, or cleans away, the objects that no manifest names.
func (v *verifier) settleUnnamed(ctx context.Context) error {
	for i := range v.objects.objects {
		p := &v.objects.objects[i]
		old := p.kind == seal.DataKind && p.partition.Date != batch.NoDate &&
			p.partition.Date < v.since
		if p.state == named || old {
			continue
		}
		if err := v.settle(ctx, p); err != nil {
			return fmt.Errorf("check %s: %w", v.objects.key(p), err)
		}
	}
	return nil
}

func (v *verifier) settle(ctx context.Context, p *placed) error {
	if p.state != unknown {
		// The list of manifests may be older than what a writer did since.
		if err := v.askPlace(ctx, p); err != nil {
			return err
		}
	}
	key := v.objects.key(p)
	switch {
	case p.state == named:
		return nil
	case p.state == dead:
		return v.supersede(ctx, key)
	case v.spooled[spooled{v.objects.tables[p.table], p.name}]:
		v.report.add(Pending, key, "%s waits for its manifest, the batch is in the spool; the next "+
			"load or the running tail finishes it", key)
		return nil
	}
	fault, err := v.inspectLeftover(ctx, key, p)
	if errors.Is(err, sink.ErrNotFound) {
		return nil // a writer took it back meanwhile
	}
	if err != nil {
		return err
	}
	if fault != "" {
		v.report.add(Differing, key, "%s is named by no manifest and is not what its name says: %s; "+
			"move it away", key, fault)
		return nil
	}
	v.report.add(Unfinished, key, "%s is named by no manifest, its batch may still be finished; a "+
		"glob over data/ counts it already, so load its file again or wait for who is at it", key)
	return nil
}

// askPlace settles the state of an object by what stands at its start now. A manifest there that
// cannot be read may name it: then the object is not to be touched.
func (v *verifier) askPlace(ctx context.Context, p *placed) error {
	k := v.objects.owners[p.owner]
	place, ok, err := v.fetch(ctx, seal.ManifestKey(k, p.name.Range.Start))
	if err != nil {
		return err
	}
	found, fok, err := v.fetch(ctx, seal.FoundKey(k, p.name.Range.Start))
	if err != nil {
		return err
	}
	key := v.objects.key(p)
	switch {
	case names(place, key) || names(found, key):
		p.state = named
	case !ok || !fok:
		p.state = open
	case place != nil && (place.Manifest != nil || found != nil ||
		*place.Loss.End != p.name.Range.End):
		p.state = dead
	}
	return nil
}

func names(c *seal.Commit, key string) bool {
	return c != nil && c.Manifest != nil && slices.ContainsFunc(c.Manifest.Objects,
		func(o seal.Object) bool { return o.Key == key })
}

// supersede reports or deletes an object that can never be committed. At this point a manifest
// that does not name it has been read at its start, or spans its start. Manifests are never
// replaced, so no writer can name it any more, whenever this delete arrives.
func (v *verifier) supersede(ctx context.Context, key string) error {
	if _, err := v.Store.Stat(ctx, key); err != nil {
		if errors.Is(err, sink.ErrNotFound) {
			return nil // who lost its place has deleted it meanwhile
		}
		return err
	}
	if v.Clean {
		if err := v.Store.Delete(ctx, key); err != nil {
			return fmt.Errorf("clean: %w", err)
		}
		v.report.Cleaned = append(v.report.Cleaned, key)
		return nil
	}
	v.report.add(Superseded, key, "%s is left over from a batch that another one took the place of, "+
		"and a glob over data/ counts its rows twice; `ingest verify --clean` deletes it", key)
	return nil
}

// inspectLeftover says how an unnamed object contradicts its key, if it is to be read at all.
func (v *verifier) inspectLeftover(ctx context.Context, key string, p *placed) (string, error) {
	if !v.Deep {
		return "", nil
	}
	blob, err := openBlob(ctx, v.Store, key)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	f, err := seal.OpenParquet(blob, blob.size)
	if err != nil {
		return fmt.Sprintf("it cannot be read (%v)", err), nil
	}
	return deepLeftover(ctx, f, p.name.ID, p.name.Range), ctx.Err()
}
