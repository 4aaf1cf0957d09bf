package commit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// bringBack says what to do about a file that is gone. Whose it is says how it is to come back: a load
// may be of another origin than a tail.
const bringBack = "bring the file back, to where `ingest tail` follows it or to `ingest load`, " +
	"whichever read it"

// lostStart gives up a batch whose start has another's manifest. The objects of its own that the
// winner does not name can never be committed, since that place is taken, so they go first; but for
// those of just the range that was declared lost, which may be found.
func (w *Writer) lostStart(ctx context.Context, e offsets.Entry, winner *table.Manifest) error {
	own, _, err := w.Spooled(e.Spool)
	if err == nil && !takesBack(own.Manifest, winner) {
		err = w.deleteUnnamed(ctx, own.Manifest, winner)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	return w.adopt(ctx, winner)
}

// deleteUnnamed deletes the objects of a batch that can never be committed. Where deleting is not
// allowed they stay, superseded, until someone who may runs `verify --clean`.
func (r *Engine) deleteUnnamed(ctx context.Context, own, winner *table.Manifest) error {
	for _, o := range own.Objects {
		if winner != nil && named(winner, o.Key) {
			continue
		}
		err := r.Store.Delete(ctx, o.Key)
		if errors.As(err, new(*sink.RefusedError)) {
			r.Log.Warn("a leftover stays in the sink", "key", o.Key, "error", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adopt takes over a batch that another writer committed at the shipped offset, when this source's
// bytes agree with it.
func (w *Writer) adopt(ctx context.Context, winner *table.Manifest) error {
	w.Chase = true
	if i, chain, err := w.ownEnd(winner.End); err != nil {
		return err
	} else if i >= 0 {
		if chain != winner.ChainOut {
			return w.Abandon()
		}
		return w.keepFrom(i+1, winner)
	}
	points, err := w.pointsOf()
	if err != nil {
		return err
	}
	theirs := w.committedPoints().With(endsOf(winner)...)
	if points.Differ(theirs) {
		if err := w.NeedFile(ctx); err != nil {
			return w.SetApart(err)
		}
		return w.Abandon()
	}
	if _, agrees := points.At(winner.End); agrees && w.File == nil {
		return w.goOnAt(pointOf(winner), winner)
	}
	if err := w.NeedFile(ctx); err != nil {
		return w.SetApart(err)
	}
	x := &Told{}
	if err := x.Hold(ctx, w.File, []*Candidate{{Candidate: identity.Candidate{Points: theirs}}}); err != nil {
		return err
	}
	if x.Points.Differ(theirs) {
		return w.Abandon()
	}
	at, ok := x.Marks[winner.End]
	if !ok { // it is undecided, and gives its ordinal back
		if err := w.holdBatches(w.Src.Outbox); err != nil {
			return err
		}
		// If we die here, an outbox without files is left. It meets the same winner, and has nothing to hold.
		return w.forget()
	}
	return w.goOnAt(at, winner)
}

// committedPoints is what is known of the content that the sink has under the source's id, beside its
// manifests.
func (w *Writer) committedPoints() identity.Points {
	m, ok := w.Families.Member(w.Key)
	if !ok {
		return nil
	}
	c := m.Family.Committed(m.k)
	if c == nil {
		return nil
	}
	return c.Points
}

// ownEnd finds the batch of the outbox that ends at off, and the source's chain there.
func (w *Writer) ownEnd(off int64) (int, source.Digest, error) {
	for i, e := range w.Src.Outbox {
		if e.Range.End != off {
			continue
		}
		ends, err := w.Ledger.Ends(w.Key)
		if err != nil {
			return 0, source.Digest{}, err
		}
		for _, end := range ends {
			if end.Offset == off {
				return i, end.Chain, nil
			}
		}
	}
	return -1, source.Digest{}, nil
}

// keepFrom drops the batches of the outbox that the winner covers and keeps those that chain on.
func (w *Writer) keepFrom(i int, winner *table.Manifest) error {
	if err := w.dropBatches(w.Src.Outbox[:i]); err != nil {
		return err
	}
	return w.updateAsSeen(func(s *offsets.Source) error {
		s.Outbox = s.Outbox[i:]
		s.Shipped, s.LastStart = winner.End, winner.Start
		addEnds(s, winner)
		if isLoss(winner) {
			s.AddLost(winner.Range())
		}
		return nil
	})
}

// goOnAt drops the outbox and goes on behind the winner. The files of batches that reach past its
// end stay in the spool, set aside, until the sealed offset has passed them again: until then they
// may be all that is left of those bytes.
func (w *Writer) goOnAt(at source.Point, winner *table.Manifest) error {
	at.Carry = winner.Rest
	covered := 0
	for covered < len(w.Src.Outbox) && w.Src.Outbox[covered].Range.End <= winner.End {
		covered++
	}
	if err := w.dropBatches(w.Src.Outbox[:covered]); err != nil {
		return err
	}
	waited := w.Src.Outbox[covered:]
	rest, err := w.inSpool(waited)
	if err != nil {
		return err
	}
	err = w.updateAsSeen(func(s *offsets.Source) error {
		s.Outbox, s.Sealed, s.Marker = nil, at, source.Digest{}
		s.Shipped, s.LastStart, s.OpenEnd = winner.End, winner.Start, winner.OpenEnd
		s.Highest = max(s.Highest, at.Offset)
		addEnds(s, winner)
		if isLoss(winner) {
			s.AddLost(winner.Range())
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range waited {
		w.uncount(e)
	}
	w.DropReader()
	w.setAside(rest)
	return nil
}

// dropBatches takes batches that can never be shipped out of the spool and out of the counts.
func (w *Writer) dropBatches(batches []offsets.Entry) error {
	for _, e := range batches {
		if err := w.Spool.Remove(e.Spool); err != nil {
			return fmt.Errorf("remove %s from the spool: %w", e.Spool, err)
		}
		w.uncount(e)
	}
	return nil
}

func (w *Writer) uncount(e offsets.Entry) {
	if c, ok := w.counts[e.Range.Start]; ok {
		delete(w.counts, e.Range.Start)
		w.Tally.count(w.Key.Table, c, -1)
	}
}

// Abandon forgets a source that its file turned out not to be; what was sealed as it is dropped
// unsent and cut again when the file is settled anew.
func (w *Writer) Abandon() error {
	if w.File == nil {
		return w.SetApart(Stop(Gone, w.Path, "what is in the spool of source %s is another source, and "+
			"its file is not at hand to cut it again: "+bringBack, w.Key.ID))
	}
	if err := w.dropBatches(w.Src.Outbox); err != nil {
		return err
	}
	return w.forget()
}

// forget has the ledger forget the source, so that its file is told apart anew.
func (w *Writer) forget() error {
	if err := w.Ledger.Delete(w.Key); err != nil {
		return fmt.Errorf("forget source %s in the ledger: %w", w.Key.ID, err)
	}
	w.Log.Debug("gave its id up", append(LogSource(w.Key), "path", w.Path)...)
	return ErrSettleAgain
}

// rewind goes back to the shipped offset when the spool has lost the next batch of the outbox, or
// holds other bytes of it, so that it is cut again from the file.
func (w *Writer) rewind(ctx context.Context) error {
	if err := w.NeedFile(ctx); err != nil {
		return err
	}
	shipped := w.Src.Shipped
	marks, length, err := MarksTo(ctx, w.File, slices.Compact([]int64{shipped, w.Src.Sealed.Offset}))
	if err != nil {
		return err
	}
	if end := marks[w.Src.Sealed.Offset]; shipped == 0 && end.Chain == w.Src.Sealed.Chain {
		return w.Abandon() // nobody has seen anything of it: it gives its k back
	}
	at, ok := marks[shipped]
	if !ok || shipped == 0 {
		return Stop(Gone, w.Path, "the file ends at %d or is another by now, and the spool has lost what "+
			"follows %d", length, shipped)
	}
	if at.Carry, err = w.shippedRest(ctx); err != nil {
		return err
	}
	// What is left of the batch goes first: it cannot be shipped, and must not be taken again.
	waited := w.Src.Outbox
	if err := w.Spool.Remove(waited[0].Spool); err != nil {
		return fmt.Errorf("remove %s from the spool: %w", waited[0].Spool, err)
	}
	rest, err := w.inSpool(waited[1:])
	if err != nil {
		return err
	}
	err = w.updateAsSeen(func(s *offsets.Source) error {
		s.Outbox, s.Sealed, s.Marker, s.OpenEnd = nil, at, source.Digest{}, at.Line != at.Offset
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range waited {
		w.uncount(e)
	}
	w.DropReader()
	w.setAside(rest)
	return nil
}

// shippedRest asks the sink what the last shipped batch carries over, if the format does so.
func (w *Writer) shippedRest(ctx context.Context) (source.Carry, error) {
	if w.Stream == nil || !w.Stream.Parser.Joins() {
		return source.Carry{}, nil
	}
	m, err := w.manifestAt(ctx, w.Key, w.Src.LastStart)
	if err != nil {
		return source.Carry{}, err
	}
	return m.Rest, nil
}

// NeedFile opens the source's file where the ledger last saw it, when it is not in hand yet. It
// must still hold all that is sealed.
func (w *Writer) NeedFile(ctx context.Context) error {
	if w.File != nil {
		return nil
	}
	gone := Stop(Gone, w.Src.Path, "source %s needs its file, which is not there or no longer "+
		"holds what was read of it; its batches stay in the spool: "+bringBack, w.Key.ID)
	if w.Src.Path == "" {
		return gone
	}
	f, err := files.Open(w.FS, w.Src.Path)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*files.NotRegularError)) ||
		errors.As(err, new(*files.CorruptError)) || errors.As(err, new(*files.UnsupportedError)) ||
		errors.As(err, new(*files.LinkError)) {
		return gone
	}
	if err != nil {
		return err
	}
	marks, _, err := MarksTo(ctx, f, []int64{w.Src.Sealed.Offset})
	head, ok, headErr := f.Head(true, nil)
	if err = errors.Join(err, headErr); err != nil {
		return errors.Join(err, f.Close())
	}
	if at := marks[w.Src.Sealed.Offset]; !ok || at.Chain != w.Src.Sealed.Chain {
		return errors.Join(gone, f.Close())
	}
	w.File, w.Head, w.Path, w.opened = f, head, w.Src.Path, true
	w.State = StateOf(f.Stat())
	return nil
}

// lookAhead adopts what another writer has committed where the next cut would start. It asks only
// while there is reason to think that somebody is ahead.
func (w *Writer) lookAhead(ctx context.Context) (bool, error) {
	if !w.Chase {
		return false, nil
	}
	there, err := w.manifestAt(ctx, w.Key, w.Src.Sealed.Offset)
	if errors.Is(err, sink.ErrNotFound) {
		w.Chase = false
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, w.adopt(ctx, there)
}
