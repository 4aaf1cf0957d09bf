package verify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"logseal/ingest/batch"
	"logseal/ingest/parquet"
	"logseal/ingest/sink"
	"logseal/ingest/table"
)

// classify notes, of every object of a source that no manifest has named so far, whose it is.
func (v *verifier) classify(c *coverage) {
	owner := int32(-1)
	block := v.objects.block(c.key.Table, c.key.ID)
	for i := range block {
		p := &block[i]
		if p.state == named {
			continue
		}
		if owner < 0 {
			owner = int32(len(v.objects.owners))
			v.objects.owners = append(v.objects.owners, c.key)
		}
		p.owner, p.state = owner, open
	}
}

// settleUnnamed reports, or cleans away, the objects that no manifest names. Those of one batch
// are one task.
func (v *verifier) settleUnnamed(ctx context.Context) error {
	rest := v.objects.objects
	for len(rest) > 0 && ctx.Err() == nil {
		n := 1
		for n < len(rest) && rest[n].table == rest[0].table && rest[n].name == rest[0].name {
			n++
		}
		var batch []*placed
		for i := range rest[:n] {
			if rest[i].state != named {
				batch = append(batch, &rest[i])
			}
		}
		rest = rest[n:]
		if len(batch) > 0 {
			v.start(func(ctx context.Context) error { return v.settleBatch(ctx, batch) })
		}
	}
	return ctx.Err()
}

func (v *verifier) settleBatch(ctx context.Context, objects []*placed) error {
	var now *standing
	for _, p := range objects {
		if v.isOld(p) {
			v.found.done(p.size)
			continue
		}
		var err error
		if p.state != unknown && (now == nil || now.owner != p.owner) {
			// The list of manifests may be older than what a writer did since.
			now, err = v.ask(ctx, p)
		}
		if err == nil {
			err = v.settle(ctx, p, now)
		}
		if err != nil {
			return fmt.Errorf("check %s: %w", v.objects.key(p), err)
		}
		v.found.done(p.size)
	}
	return nil
}

// isOld reports whether all rows of an object are from before Since.
func (v *verifier) isOld(p *placed) bool {
	return p.kind == table.DataKind && p.partition.Date != batch.NoDate && p.partition.Date < v.since
}

func (v *verifier) settle(ctx context.Context, p *placed, now *standing) error {
	key := v.objects.key(p)
	if p.state != unknown {
		p.state = now.stateOf(key, p)
	}
	switch {
	case p.state == named:
		return nil
	case v.spooled[spooled{v.objects.tables[p.table], p.name}]:
		v.found.add(Pending, key, "%s waits for its manifest, the batch is in the spool; the next "+
			"load or the running tail finishes it", key)
		return nil
	case p.state == dead:
		v.found.condemn(key, p.name.ID)
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
		v.found.add(Differing, key, "%s is named by no manifest and is not what its name says: %s; "+
			"move it away", key, fault)
		return nil
	}
	v.found.addUnfinished(p.size)
	v.found.add(Unfinished, key, "%s is named by no manifest, its batch may still be finished; a "+
		"glob over data/ counts it already, so load its file again or wait for the writer that is at work", key)
	return nil
}

// standing is what stands at the start of a batch now.
type standing struct {
	at, found place
	owner     int32
}

func (v *verifier) ask(ctx context.Context, p *placed) (*standing, error) {
	s := standing{owner: p.owner}
	var err error
	k, start := v.objects.owners[p.owner], p.name.Range.Start
	if s.at, err = v.manifests.fetch(ctx, table.ManifestKey(k, start)); err == nil {
		s.found, err = v.manifests.fetch(ctx, table.FoundKey(k, start))
	}
	return &s, err
}

// stateOf settles the state of an object by what stands at its start, and by nothing else: a manifest from
// before that spans it may be forged, and no writer of ours has objects there. One that cannot be read may
// name the object: then that is not to be touched. Of a range that is declared lost just that batch can still
// be found.
func (s *standing) stateOf(key string, p *placed) state {
	at, found := s.at.commit, s.found.commit
	switch {
	case names(at, key) || names(found, key):
		return named
	case s.at.broken != "" || s.found.broken != "":
		return open
	case at != nil && (at.Manifest != nil || found != nil || *at.Loss.End != p.name.Range.End):
		return dead
	}
	return p.state
}

func names(c *table.Commit, key string) bool {
	return c != nil && c.Manifest != nil && slices.ContainsFunc(c.Manifest.Objects,
		func(o table.Object) bool { return o.Key == key })
}

// sourceID is how findings name a source.
var sourceID = regexp.MustCompile(`[0-9a-f]{32}`)

// faultySources gives the sources that findings of faults are about.
func faultySources(r *Report) map[string]bool {
	faulty := map[string]bool{}
	for _, f := range r.Findings {
		if f.Kind.Fails() {
			for _, id := range sourceID.FindAllString(f.What, -1) {
				faulty[id] = true
			}
		}
	}
	return faulty
}

// clean reports or deletes what is condemned, once all faults are found. Where a source has faults, somebody else
// has been at it: then nothing of it is deleted.
func (v *verifier) clean(ctx context.Context) error {
	faulty := faultySources(v.found.report)
	for _, x := range v.found.condemned {
		v.start(func(ctx context.Context) error { return v.supersede(ctx, x.key, faulty[x.of.String()]) })
	}
	return ctx.Err()
}

func (v *verifier) supersede(ctx context.Context, key string, faulty bool) error {
	if _, err := v.Store.Stat(ctx, key); err != nil {
		if errors.Is(err, sink.ErrNotFound) {
			return nil // who lost its place has deleted it meanwhile
		}
		return err
	}
	if v.Clean && !faulty {
		if err := v.Store.Delete(ctx, key); err != nil {
			return fmt.Errorf("clean: %w", err)
		}
		v.found.cleaned(key)
		return nil
	}
	what := "`ingest verify --clean` deletes it"
	if faulty {
		what += " once its source has no other fault"
	}
	v.found.add(Superseded, key, "%s is left over from a batch that lost its place to another batch, "+
		"and a glob over data/ counts its rows twice; %s", key, what)
	return nil
}

// inspectLeftover says how an unnamed object contradicts its key, if it is to be read at all.
func (v *verifier) inspectLeftover(ctx context.Context, key string, p *placed) (string, error) {
	if !v.Deep {
		return "", nil
	}
	done, err := v.turn(ctx, p.name.Range.Len())
	if err != nil {
		return "", err
	}
	defer done()
	blob, _, err := openHashed(ctx, v.Store, key, bufferMax)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	fault := readLeftover(ctx, blob, p)
	return fault, errors.Join(blob.err, ctx.Err())
}

func readLeftover(ctx context.Context, blob *blob, p *placed) string {
	f, err := parquet.Open(blob, blob.size)
	if err != nil {
		return fmt.Sprintf("it cannot be read (%v)", err)
	}
	return deepLeftover(ctx, f, p.name.ID, p.name.Range)
}
