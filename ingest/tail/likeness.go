package tail

import (
	"errors"
	"slices"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/source"
)

// likeness is how a file compares with the owner of a source.
type likeness struct {
	files.Agreement
	cut bool // the owner was truncated
	// overtaken says that nothing is known of what the owner and the source have in common.
	overtaken bool
}

// continues tells whether the file is to be read in the owner's place: a longer one is, for what is
// shorter can only be a copy of it, and so is any that has all of one that was truncated.
func (l likeness) continues() bool { return l.Longer || l.overtaken || l.cut && !l.Behind }

// compare holds a file against the owner of a source that its points do not refute, as far as both
// go. Where they differ, that is a fact about both from then on.
func (r *resolver) compare(
	c *commit.Claim, d *decision, v identity.Match, e *commit.Candidate, o *followed,
) (like likeness, err error) {
	if err := o.mu.LockWithin(r.ctx); err != nil {
		return like, err
	}
	defer o.mu.Unlock()
	if o.w == nil || o.w.Key != e.Key || o.live == nil {
		return like, commit.ErrAgain
	}
	overtaken, err := o.isOvertaken()
	if err != nil {
		return like, err
	}
	if like.cut = o.cut; o.cut && overtaken {
		like.overtaken, like.Until = true, max(o.w.Src.Sealed.Offset, o.live.Taken())
		o.w.ForgetFile()
		return like, nil // there is no more of it to come
	}
	if o.cut && v == identity.Undecided {
		return like, nil // what it could be compared with is no longer there
	}
	end := o.live.Taken()
	if stat, err := o.live.Look(); err == nil && !o.cut {
		end = max(end, stat.Size)
	}
	view, err := o.live.Snapshot(end, true)
	if err != nil {
		return like, err
	}
	defer view.Close()
	from := int64(0)
	for _, p := range e.Points {
		if p.Offset <= min(d.told.Length, end, o.w.Src.Sealed.Offset) {
			from = p.Offset // up to there the chains agree
		}
	}
	like.Agreement, err = files.Compare(r.ctx, c.File, view, from)
	if err == nil && like.Differ {
		err = r.noteDifference(c, d, o, view, like.Until+1)
	}
	return like, err
}

// isOvertaken reports whether the sink has more of the source than was read of its file, which may be another
// log then. Of a compressed file it is not known how much was read. f.mu is held.
func (f *followed) isOvertaken() (bool, error) {
	err := f.w.Refresh()
	if errors.Is(err, commit.ErrSettleAgain) {
		return true, nil // the source gave its id up
	}
	return !f.live.Compressed() && f.live.Taken() < f.w.Src.Sealed.Offset, err
}

// noteDifference keeps the chains of a file and of an owner at an offset where they are known to
// differ. By these they are told apart later, also from the ledger alone.
func (r *resolver) noteDifference(
	c *commit.Claim, d *decision, o *followed, owner *files.File, at int64,
) error {
	mine, _, err := commit.MarksTo(r.ctx, c.File, []int64{at})
	if err != nil {
		return err
	}
	theirs, _, err := commit.MarksTo(r.ctx, owner, []int64{at})
	if err != nil {
		return err
	}
	d.facts = append(d.facts, source.Mark{Offset: at, Chain: mine[at].Chain})
	d.reach = max(d.reach, at)
	if overtaken, err := o.isOvertaken(); overtaken || err != nil {
		return err // it is not known that the owner's file is the source
	}
	fact := source.Mark{Offset: at, Chain: theirs[at].Chain}
	if !slices.Contains(o.w.Facts, fact) {
		o.w.Facts = append(o.w.Facts, fact)
	}
	if o.w.Src.Sealed.Offset < at {
		return nil // the batch that passes it tells the ledger
	}
	return o.w.NoteFacts()
}
