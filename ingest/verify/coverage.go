package verify

import (
	"context"
	"slices"

	"logseal/ingest/source"
	"logseal/ingest/table"
)

// coverage walks one source from 0.
type coverage struct {
	v   *verifier
	key source.Key

	pending *group // its keys are still being listed

	// at is where the walk stands: everything before it is covered or was reported.
	at      int64
	chain   source.Digest // at at, if known
	known   bool
	openEnd bool         // what ends at at ended inside a line
	rest    source.Carry // what it carries over
	// blind says that what stands at the start of the range before at cannot be read, so where it
	// ends is not known.
	blind bool
	k     *uint64 // of the first manifest

	spans   []span
	notes   []*table.Loss
	commits []table.Commit // in order; kept only if a file may be this source
}

// span is a range that something in a manifest's place covers.
type span struct {
	source.Range
	loss bool // declared lost, and not found: of its range a batch may still be found
}

// add takes what stands at the next key of the source.
func (c *coverage) add(ctx context.Context, k table.ParsedKey, p place) error {
	if c.pending != nil && c.pending.start != k.Start {
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
	if c.pending == nil {
		c.pending = newGroup(k.Start)
	}
	c.pending.places[k.Kind] = p
	return nil
}

// flush takes the group whose keys have all been listed.
func (c *coverage) flush(ctx context.Context) error {
	g := c.pending
	c.pending = nil
	if g == nil {
		return nil
	}
	if n := g.places[table.NoteKind].commit; n != nil {
		c.notes = append(c.notes, n.Loss)
	}
	_, listed := g.places[table.ManifestKind]
	_, found := g.places[table.FoundKind]
	if !listed && !found {
		return nil
	}
	// The list may have missed what was put meanwhile: before a gap is one, its place is asked.
	for !c.blind && c.at < g.start {
		ok, err := c.take(ctx, newGroup(c.at))
		if err != nil {
			return err
		}
		if !ok {
			break
		}
	}
	if c.at < g.start && !c.blind {
		r := source.Range{Start: c.at, End: g.start}
		c.v.found.add(Gap, c.rangeName(r), "no manifest covers bytes %s of source %s although one "+
			"begins at their end; if it was deleted by hand, stop every writer and run `ingest state "+
			"rebuild`, then load the file again", r, c.key)
	}
	_, err := c.take(ctx, g)
	return err
}

func (c *coverage) rangeName(r source.Range) string { return c.key.String() + " " + r.String() }

// take goes on with what stands at a group's start, if anything does.
func (c *coverage) take(ctx context.Context, g *group) (bool, error) {
	at, found, err := c.v.manifests.look(ctx, c.key, g)
	if err != nil {
		return false, err
	}
	if at.broken != "" || found.broken != "" && at.commit == nil {
		c.unreadable(g.start)
		return true, nil
	}
	counts := c.choose(g.start, at, found)
	if counts.commit == nil {
		return false, nil
	}
	return true, c.cover(ctx, counts)
}

// choose tells which of what stands at a start counts.
func (c *coverage) choose(start int64, at, found place) place {
	switch {
	case found.commit == nil:
		return at
	case at.commit == nil:
		c.v.found.add(Differing, found.key, "%s stands where no loss is declared; restore %s from a copy "+
			"of the sink", found.key, at.key)
		return found
	case at.commit.Manifest != nil:
		c.v.found.add(Overlap, c.rangeName(found.commit.Manifest.Range()), "%s and %s both hold bytes from "+
			"%d on; rows of one of them are there twice", found.key, at.key, start)
		return at
	}
	m, l := found.commit.Manifest, at.commit.Loss
	if m.End != *l.End || m.ChainIn != l.ChainIn || m.ChainOut != *l.ChainOut || m.K != l.K {
		c.v.found.add(Differing, found.key, "%s is not the range that %s declares lost; restore both from "+
			"a copy of the sink", found.key, l.Key())
	}
	return found
}

// unreadable goes past a place whose end is not known.
func (c *coverage) unreadable(start int64) {
	c.at, c.known, c.openEnd, c.blind = max(c.at, start), false, false, true
}

// cover goes on over one batch or loss.
func (c *coverage) cover(ctx context.Context, at place) error {
	commit := *at.commit
	e := edgesOf(commit)
	c.checkK(e)
	switch {
	case e.Start < c.at:
		r := source.Range{Start: e.Start, End: min(e.End, c.at)}
		c.v.found.add(Overlap, c.rangeName(r), "bytes %s of source %s are in more than one manifest, "+
			"%s is one of them; their rows are there twice", r, c.key, e.key)
	case e.Start == c.at && !c.blind:
		c.checkLink(e)
	}
	c.blind = false
	if e.End > c.at {
		c.at, c.chain, c.known, c.openEnd, c.rest = e.End, e.chainOut, true, e.openEnd, e.rest
	}
	c.spans = append(c.spans, span{Range: e.Range, loss: commit.Loss != nil})
	for _, m := range e.points {
		c.v.points.mark(m)
	}
	if c.v.proofs.wanted(c.key, *c.k) {
		c.commits = append(c.commits, commit)
	}
	if l := commit.Loss; l != nil {
		c.v.found.add(Lost, c.rangeName(e.Range), "bytes %s of source %s are declared lost (%s); a "+
			"file that turns up with these bytes takes the loss back", e.Range, c.key, l.Reason)
		return nil
	}
	return c.v.checkBatch(ctx, at)
}

// edges are what a batch and a loss have in common.
type edges struct {
	source.Range
	key               string
	k                 uint64
	chainIn, chainOut source.Digest
	points            []source.Mark // its marks and its end
	openEnd           bool
	carries           bool
	carried, rest     source.Carry
	loss              bool
}

func edgesOf(commit table.Commit) edges {
	if l := commit.Loss; l != nil {
		return edges{Range: source.Range{Start: l.Start, End: *l.End}, key: l.Key(), k: l.K,
			chainIn: l.ChainIn, chainOut: *l.ChainOut, carries: true, rest: l.Rest, loss: true,
			points: pointsOf(l.Marks, *l.End, *l.ChainOut)}
	}
	m := commit.Manifest
	e := edges{Range: m.Range(), key: m.Key(), k: m.K, chainIn: m.ChainIn, chainOut: m.ChainOut,
		openEnd: m.OpenEnd, carries: m.Carry != nil, rest: m.Rest,
		points: pointsOf(m.Marks, m.End, m.ChainOut)}
	if m.Carry != nil {
		e.carried = m.Carry.Rest
	}
	return e
}

// chainPoints gives the start of each range of the source and all its points, as they follow each
// other.
func (c *coverage) chainPoints() (all []source.Mark) {
	for _, commit := range c.commits {
		e := edgesOf(commit)
		all = append(all, source.Mark{Offset: e.Start, Chain: e.chainIn})
		all = append(all, e.points...)
	}
	return all
}

func pointsOf(marks []source.Mark, end int64, chain source.Digest) []source.Mark {
	return append(slices.Clip(marks), source.Mark{Offset: end, Chain: chain})
}

func (c *coverage) checkK(e edges) {
	if c.k == nil {
		c.k = &e.k
		c.v.found.report.Sources++
	}
	if *c.k != e.k {
		c.v.found.add(Differing, e.key, "%s says k %d, manifests before it %d; it is not of this "+
			"source, restore it from a copy of the sink", e.key, e.k, *c.k)
	}
}

// checkLink holds the start of a batch against the end of the one before.
func (c *coverage) checkLink(e edges) {
	if c.known && e.chainIn != c.chain {
		c.v.found.add(Differing, e.key, "%s does not continue where the manifest before it ends: its "+
			"chain_in is not that one's chain_out; one of them was changed, restore it from a copy of "+
			"the sink", e.key)
	}
	if c.known && c.openEnd && !e.carries {
		c.v.found.add(Differing, e.key, "%s carries no line although the batch before it ended inside "+
			"one; restore it from a copy of the sink", e.key)
	}
	if c.known && !e.loss && e.carried != c.rest {
		c.v.found.add(Differing, e.key, "%s carries over %q where the batch before it has %q; restore both "+
			"from a copy of the sink", e.key, e.carried, c.rest)
	}
}

// finish ends the walk of the source.
func (c *coverage) finish(ctx context.Context) error {
	if err := c.flush(ctx); err != nil {
		return err
	}
	for _, n := range c.notes {
		c.reportNote(n)
	}
	c.v.classify(c)
	if len(c.spans) > 0 {
		c.v.points.close(c)
	}
	if len(c.commits) == 0 {
		return nil
	}
	return c.v.prove(ctx, c)
}

// reportNote reports what a note says is lost and no manifest covers.
func (c *coverage) reportNote(n *table.Loss) {
	end, atLeast := n.AtLeast, "at least "
	if n.End != nil {
		end, atLeast = n.End, ""
	}
	start := max(n.Start, c.at)
	if start > n.Start && start >= *end {
		return // someone had them after all
	}
	r := source.Range{Start: start, End: max(start, *end)}
	c.v.found.add(Lost, c.rangeName(r), "%sbytes %s of source %s are declared lost before they were "+
		"sealed (%s); a file that turns up with these bytes takes the loss back", atLeast, r, c.key, n.Reason)
}
