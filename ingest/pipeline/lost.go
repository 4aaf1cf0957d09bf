package pipeline

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
func (w *work) lostStart(ctx context.Context, e offsets.Entry, winner *table.Manifest) error {
	own, _, err := w.spooled(e.Spool)
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
func (r *run) deleteUnnamed(ctx context.Context, own, winner *table.Manifest) error {
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
func (w *work) adopt(ctx context.Context, winner *table.Manifest) error {
	w.chase = true
	if i, chain, err := w.ownEnd(winner.End); err != nil {
		return err
	} else if i >= 0 {
		if chain != winner.ChainOut {
			return w.abandon()
		}
		return w.keepFrom(i+1, winner)
	}
	points, err := w.pointsOf()
	if err != nil {
		return err
	}
	theirs := w.committedPoints().With(endsOf(winner)...)
	if points.Differ(theirs) {
		if err := w.needFile(ctx); err != nil {
			return w.setApart(err)
		}
		return w.abandon()
	}
	if _, agrees := points.At(winner.End); agrees && w.file == nil {
		return w.goOnAt(pointOf(winner), winner)
	}
	if err := w.needFile(ctx); err != nil {
		return w.setApart(err)
	}
	x := &told{}
	if err := x.hold(ctx, w.file, []*candidate{{Candidate: identity.Candidate{Points: theirs}}}); err != nil {
		return err
	}
	if x.points.Differ(theirs) {
		return w.abandon()
	}
	at, ok := x.marks[winner.End]
	if !ok { // it is undecided, and gives its ordinal back
		if err := w.holdBatches(w.src.Outbox); err != nil {
			return err
		}
		// If we die here, an outbox without files is left. It meets the same winner, and has nothing to hold.
		return w.forget()
	}
	return w.goOnAt(at, winner)
}

// committedPoints is what is known of the content that the sink has under the source's id, beside its
// manifests.
func (w *work) committedPoints() identity.Points {
	m, ok := w.families.member(w.key)
	if !ok {
		return nil
	}
	c := m.family.Committed(m.k)
	if c == nil {
		return nil
	}
	return c.Points
}

// ownEnd finds the batch of the outbox that ends at off, and the source's chain there.
func (w *work) ownEnd(off int64) (int, source.Digest, error) {
	for i, e := range w.src.Outbox {
		if e.Range.End != off {
			continue
		}
		ends, err := w.Ledger.Ends(w.key)
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
func (w *work) keepFrom(i int, winner *table.Manifest) error {
	if err := w.dropBatches(w.src.Outbox[:i]); err != nil {
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
func (w *work) goOnAt(at source.Point, winner *table.Manifest) error {
	at.Carry = winner.Rest
	covered := 0
	for covered < len(w.src.Outbox) && w.src.Outbox[covered].Range.End <= winner.End {
		covered++
	}
	if err := w.dropBatches(w.src.Outbox[:covered]); err != nil {
		return err
	}
	waited := w.src.Outbox[covered:]
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
	w.dropReader()
	w.setAside(rest)
	return nil
}

// dropBatches takes batches that can never be shipped out of the spool and out of the counts.
func (w *work) dropBatches(batches []offsets.Entry) error {
	for _, e := range batches {
		if err := w.Spool.Remove(e.Spool); err != nil {
			return fmt.Errorf("remove %s from the spool: %w", e.Spool, err)
		}
		w.uncount(e)
	}
	return nil
}

func (w *work) uncount(e offsets.Entry) {
	if c, ok := w.counts[e.Range.Start]; ok {
		delete(w.counts, e.Range.Start)
		w.tally.count(w.key.Table, c, -1)
	}
}

// abandon forgets a source that its file turned out not to be; what was sealed as it is dropped
// unsent and cut again when the file is settled anew.
func (w *work) abandon() error {
	if w.file == nil {
		return w.setApart(stop(Gone, w.path, "what is in the spool of source %s is another source, and "+
			"its file is not at hand to cut it again: "+bringBack, w.key.ID))
	}
	if err := w.dropBatches(w.src.Outbox); err != nil {
		return err
	}
	return w.forget()
}

// forget has the ledger forget the source, so that its file is told apart anew.
func (w *work) forget() error {
	if err := w.Ledger.Delete(w.key); err != nil {
		return fmt.Errorf("forget source %s in the ledger: %w", w.key.ID, err)
	}
	w.Log.Debug("gave its id up", append(logSource(w.key), "path", w.path)...)
	return errSettleAgain
}

// rewind goes back to the shipped offset when the spool has lost the next batch of the outbox, or
// holds other bytes of it, so that it is cut again from the file.
func (w *work) rewind(ctx context.Context) error {
	if err := w.needFile(ctx); err != nil {
		return err
	}
	shipped := w.src.Shipped
	marks, length, err := marksTo(ctx, w.file, slices.Compact([]int64{shipped, w.src.Sealed.Offset}))
	if err != nil {
		return err
	}
	if end := marks[w.src.Sealed.Offset]; shipped == 0 && end.Chain == w.src.Sealed.Chain {
		return w.abandon() // nobody has seen anything of it: it gives its k back
	}
	at, ok := marks[shipped]
	if !ok || shipped == 0 {
		return stop(Gone, w.path, "the file ends at %d or is another by now, and the spool has lost what "+
			"follows %d", length, shipped)
	}
	if at.Carry, err = w.shippedRest(ctx); err != nil {
		return err
	}
	// What is left of the batch goes first: it cannot be shipped, and must not be taken again.
	waited := w.src.Outbox
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
	w.dropReader()
	w.setAside(rest)
	return nil
}

// shippedRest asks the sink what the last shipped batch carries over, if the format does so.
func (w *work) shippedRest(ctx context.Context) (source.Carry, error) {
	if w.stream == nil || !w.stream.Parser.Joins() {
		return source.Carry{}, nil
	}
	m, err := w.manifestAt(ctx, w.key, w.src.LastStart)
	if err != nil {
		return source.Carry{}, err
	}
	return m.Rest, nil
}

// needFile opens the source's file where the ledger last saw it, when it is not in hand yet. It
// must still hold all that is sealed.
func (w *work) needFile(ctx context.Context) error {
	if w.file != nil {
		return nil
	}
	gone := stop(Gone, w.src.Path, "source %s needs its file, which is not there or no longer "+
		"holds what was read of it; its batches stay in the spool: "+bringBack, w.key.ID)
	if w.src.Path == "" {
		return gone
	}
	f, err := files.Open(w.FS, w.src.Path)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*files.NotRegularError)) ||
		errors.As(err, new(*files.CorruptError)) || errors.As(err, new(*files.UnsupportedError)) ||
		errors.As(err, new(*files.LinkError)) {
		return gone
	}
	if err != nil {
		return err
	}
	marks, _, err := marksTo(ctx, f, []int64{w.src.Sealed.Offset})
	head, ok, headErr := f.Head(true, nil)
	if err = errors.Join(err, headErr); err != nil {
		return errors.Join(err, f.Close())
	}
	if at := marks[w.src.Sealed.Offset]; !ok || at.Chain != w.src.Sealed.Chain {
		return errors.Join(gone, f.Close())
	}
	w.file, w.head, w.path, w.opened = f, head, w.src.Path, true
	w.state = stateOf(f.Stat())
	return nil
}

// lookAhead adopts what another writer has committed where the next cut would start. It asks only
// while there is reason to think that somebody is ahead.
func (w *work) lookAhead(ctx context.Context) (bool, error) {
	if !w.chase {
		return false, nil
	}
	there, err := w.manifestAt(ctx, w.key, w.src.Sealed.Offset)
	if errors.Is(err, sink.ErrNotFound) {
		w.chase = false
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, w.adopt(ctx, there)
}
