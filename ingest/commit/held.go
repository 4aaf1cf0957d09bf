package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// HeldPath is what problems call the batches that are held.
const HeldPath = "spool/held"

// HeldProblem says that batches are held, if any are: it stands until somebody has removed them.
func (r *Engine) HeldProblem() ([]Problem, error) {
	held, err := r.Spool.Held()
	if err != nil {
		return nil, fmt.Errorf("list held batches: %w", err)
	}
	if len(held) == 0 {
		return nil, nil
	}
	return []Problem{{Gone, HeldPath, fmt.Sprintf("%d batches are held there, %s first: they may be the only "+
		"copy of their bytes, since it is not known whether the sink has these; bring their file back, and "+
		"the batches that a source turns out to have are removed; or move their Parquet elsewhere and remove "+
		"the folder",
		len(held), held[0].Name)}}, nil
}

// SetApart closes a source whose place another has won, when its file is gone and nothing else tells
// whether that one is the same. It gives its id up, so that nobody waits for it. What is in the spool
// of it is held for whoever can decide: it may be all that is left of those bytes.
//
// Before that all files that there are have had their turn: one of them may be the source's.
func (p *orphans) SetApart(why error) error {
	var stopped *StopError
	if !errors.As(why, &stopped) || p.Sources.isRead(p.Key) {
		return why
	}
	if !p.AllTold() {
		p.Hopeless.Store(p.Key, true)
		return why
	}
	return p.holdApart(stopped)
}

// holdApart sets a source apart without asking whether a file may still turn up.
func (p *orphans) holdApart(stopped *StopError) error {
	p.Hopeless.Delete(p.Key)
	if err := p.holdBatches(p.Src.Outbox); err != nil {
		return err
	}
	// If we die here, an outbox without files is left. It finds the same, and has nothing to set apart.
	if err := p.Ledger.Delete(p.Key); err != nil {
		return fmt.Errorf("forget source %s in the ledger: %w", p.Key.ID, err)
	}
	return Stop(Gone, stopped.Path, "%s; what was sealed of it, up to %d, is held in spool/held, and other "+
		"files that begin alike no longer wait for it", stopped.Message, p.Src.Sealed.Offset)
}

// holdBatches moves batches of the spool to those that are held.
func (p *orphans) holdBatches(batches []offsets.Entry) error {
	for _, e := range batches {
		if err := p.Spool.SetApart(e.Spool); err != nil {
			return fmt.Errorf("set %s apart in the spool: %w", e.Spool, err)
		}
		p.Cutter.uncount(e)
	}
	if len(batches) > 0 {
		p.sayHeld()
	}
	return nil
}

// sayHeld reports that batches of the source are held.
func (p *orphans) sayHeld() {
	if p.SetsApart != nil {
		p.SetsApart(p.Key)
	}
}

// SealHeld seals all that the file holds among the batches that are held.
func (p *orphans) SealHeld(ctx context.Context) error {
	stream := *p.Stream
	stream.Rejects.Halt = false // the file is gone, so nobody can mend it
	p.Stream = &stream
	defer p.Cutter.DropReader()
	defer p.sayHeld()
	for {
		if err := p.Cutter.openReader(ctx); err != nil {
			return err
		}
		p.Cutter.reader.stopped = ctx.Err
		p.Cutter.reader.Begin(p.Src.Sealed.Offset, p.Stream.MaxBytes, 0)
		b, err := p.Cutter.sealBegun(p.Stream.MaxPartitions, p.commitHeld)
		if b == nil || err != nil {
			return err
		}
	}
}

// commitHeld makes a batch durable among those that are held. The outbox of the source whose name it bears
// may have one of the same name.
func (p *orphans) commitHeld(stage Stage, b *seal.Batch) error {
	names, err := p.Cutter.addFiles(stage, b)
	if err != nil {
		return err
	}
	p.Src = &offsets.Source{K: p.K, Sealed: b.End}
	return stage.CommitHeld(EntryOf(b.Manifest).Spool, names, b.Manifest.JSON())
}

// familyHas reports whether a source of the family has exactly the bytes of a batch in the sink. What a ledger
// has sealed beside that need not be in the spool: the ledger may be an old one.
func (r *Engine) familyHas(f *Family, m *table.Manifest) (bool, error) {
	all, _, err := r.Sources.Candidates(f)
	if err != nil {
		return false, err
	}
	for _, e := range all {
		chain, ok := e.Points.At(m.End)
		if ok && chain == m.ChainOut && e.shippedTo() >= m.End && !e.Lost(m.Range()) {
			return true, nil
		}
	}
	return false, nil
}

// shippedTo is up to where a candidate is known to be in the sink.
func (c *Candidate) shippedTo() (end int64) {
	if c.Src != nil {
		end = c.Src.Shipped
	}
	if c.Sink != nil {
		end = max(end, c.Sink.End)
	}
	return end
}

// Lost reports whether bytes of a range were declared lost of a candidate.
func (c *Candidate) Lost(r source.Range) bool {
	return c.Src != nil && overlaps(c.Src.Lost, r) || c.Sink != nil && overlaps(c.Sink.Lost, r)
}

func overlaps(all []source.Range, r source.Range) bool {
	return slices.ContainsFunc(all, func(x source.Range) bool { return x.Start < r.End && r.Start < x.End })
}

// ReleaseHeld removes the held batches whose bytes a source of the family turned out to have.
func (r *Engine) ReleaseHeld(f *Family) (some bool, err error) {
	held, err := r.Spool.Held()
	if err != nil {
		return false, fmt.Errorf("list held batches: %w", err)
	}
	for _, b := range held {
		p, err := parseRecord(b.Manifest)
		if err != nil || p.Loss != nil || f.KeyOf(p.K) != p.SourceKey() {
			continue
		}
		has, err := r.familyHas(f, p.Manifest)
		if has && err == nil {
			some, err = true, r.Spool.RemoveHeld(b.Name)
		}
		if err != nil {
			return some, err
		}
	}
	return some, nil
}
