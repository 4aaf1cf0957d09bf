package deletion

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// proof holds a file against what the sink has committed.
type proof struct {
	store *timedStore
	file  *files.File
	ended bool // it does not go on, as far as anybody knows
	head  []byte
	// unwanted says that a range of the file was declared not wanted: nobody misses it.
	unwanted bool
	// retention is after how long someone deletes the objects of a stream.
	retention map[string]time.Duration
}

// judge returns why the file may not be deleted, "" when it may.
func (p *proof) judge(ctx context.Context, places []Place) (string, error) {
	head, ok, err := p.file.Head(true)
	if corrupt, bad := errors.AsType[*files.CorruptError](err); bad {
		return corrupt.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if !ok {
		return "", nil // it holds nothing
	}
	p.head = head
	held := false
	for _, table := range tablesOf(places) {
		covered, reason, err := p.inTable(ctx, table, places)
		if err != nil || reason != "" {
			return reason, err
		}
		held = held || covered
	}
	if !held {
		return "the sink has no source that it is", nil
	}
	return "", nil
}

// inTable reports whether a table covers the whole file, under whichever origin, or why it does not. An
// origin that the file is wanted for has to have all of it or nothing.
func (p *proof) inTable(
	ctx context.Context, table source.Table, places []Place,
) (held bool, reason string, err error) {
	wanted := false
	for _, x := range places {
		if x.Table != table {
			continue
		}
		covered, why, err := p.in(ctx, x)
		if err != nil || x.Wanted && why != "" {
			return false, why, err
		}
		held, wanted, reason = held || covered, wanted || x.Wanted, cmp.Or(reason, why)
	}
	switch {
	case held:
		return true, "", nil
	case reason == "" && wanted:
		reason = fmt.Sprintf("nothing of it is in the table %s", table)
	}
	return false, reason, nil
}

// in reports whether a table covers the whole file, or why it has the file but not all of it.
func (p *proof) in(ctx context.Context, x Place) (covered bool, reason string, err error) {
	family := identity.NewFamily(x.Table, x.Origin, p.head)
	for k := uint64(0); ; k++ {
		batches, err := p.batches(ctx, family.Key(k))
		if err != nil || len(batches) == 0 {
			return covered, reason, err
		}
		match, why, err := p.compare(ctx, batches)
		if err == nil && match == identity.Proved && why == "" {
			why, err = p.lacking(ctx, batches)
		}
		if err != nil || match == identity.Proved && why == "" {
			return err == nil, "", err
		}
		if match != identity.Refuted {
			reason = why
		}
	}
}

// committed is where a committed range ends.
type committed struct {
	start, end int64
	chain      source.Digest
	open       bool
	rest       bool             // open within a record of several lines
	lost       table.LossReason // empty for a batch
	batch      *table.Manifest  // nil for a loss
	put        time.Time        // when the manifest was; zero if the store does not say
}

// batches walks the manifests of a source from 0.
func (p *proof) batches(ctx context.Context, key source.Key) ([]committed, error) {
	var out []committed
	for start := int64(0); ; {
		c, put, err := p.commit(ctx, table.ManifestKey(key, start))
		if errors.Is(err, sink.ErrNotFound) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if c.Loss != nil {
			found, at, err := p.commit(ctx, table.FoundKey(key, start))
			if err != nil && !errors.Is(err, sink.ErrNotFound) {
				return nil, err
			}
			if err == nil {
				c, put = found, at
			}
		}
		next := committed{start: start, batch: c.Manifest, put: put}
		if c.Manifest != nil {
			next.end, next.chain, next.open = c.Manifest.End, c.Manifest.ChainOut, c.Manifest.OpenEnd
			next.rest = c.Manifest.Rest != (source.Carry{})
		} else {
			next.end, next.chain, next.lost = *c.Loss.End, *c.Loss.ChainOut, c.Loss.Reason
		}
		out = append(out, next)
		start = next.end
	}
}

func (p *proof) commit(ctx context.Context, key string) (table.Commit, time.Time, error) {
	body, info, err := p.store.read(ctx, key)
	if err != nil {
		return table.Commit{}, time.Time{}, err
	}
	c, err := table.ParseCommit(key, body)
	return c, info.Modified, err
}

// compare holds the file against these batches. It says whether the file is their source, and why it may
// not be deleted, "" for nothing.
func (p *proof) compare(ctx context.Context, batches []committed) (identity.Match, string, error) {
	var ends []int64
	of := identity.Candidate{End: batches[len(batches)-1].end}
	for _, b := range batches {
		ends = append(ends, b.end)
		of.Points = append(of.Points, b.mark())
	}
	marks, end, err := p.file.Marks(ctx, ends)
	corrupt, bad := errors.AsType[*files.CorruptError](err)
	if err != nil && !bad {
		return 0, "", err
	}
	switch match := of.Match(pointsOf(marks), end.Offset); {
	case match == identity.Refuted:
		return match, "", nil
	case bad:
		return identity.Undecided, corrupt.Error(), nil
	case match == identity.Undecided:
		return match, fmt.Sprintf("it ends at %d, before what is committed of its source (%d), "+
			"so it is not proved to be that one", end.Offset, of.End), nil
	}
	return identity.Proved, p.beyond(batches, end.Offset), nil
}

// beyond says what of a file of this length its source lacks, "" for nothing.
func (p *proof) beyond(batches []committed, length int64) string {
	switch last := batches[len(batches)-1]; {
	case length > last.end:
		return fmt.Sprintf("the sink has it up to %d of %d", last.end, length)
	case p.ended:
	case last.open && last.rest:
		return "its last record lacks its last part: more of it may come"
	case last.open:
		return "its last line has no newline: more of it may come"
	}
	for _, b := range batches {
		switch b.lost {
		case "":
		case table.NotWanted:
			p.unwanted = true
		default:
			r := source.Range{Start: b.start, End: b.end}
			return fmt.Sprintf("%v was declared lost", r)
		}
	}
	return ""
}

// mark is the end of the range and the chain there.
func (c committed) mark() source.Mark { return source.Mark{Offset: c.end, Chain: c.chain} }

// pointsOf gives what the marks of a file say of its content.
func pointsOf(marks map[int64]source.Point) (points identity.Points) {
	for offset, m := range marks {
		points = append(points, source.Mark{Offset: offset, Chain: m.Chain})
	}
	return identity.Points(nil).With(points...)
}
