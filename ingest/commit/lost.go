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
func (h *shipper) lostStart(ctx context.Context, e offsets.Entry, winner *table.Manifest) error {
	own, _, err := h.Recovery.Spooled(e.Spool)
	if err == nil && !takesBack(own.Manifest, winner) {
		err = h.Bucket.deleteUnnamed(ctx, own.Manifest, winner)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	return h.adopt(ctx, winner)
}

// deleteUnnamed deletes the objects of a batch that can never be committed. Where deleting is not
// allowed they stay, superseded, until someone who may runs `verify --clean`.
func (b *bucket) deleteUnnamed(ctx context.Context, own, winner *table.Manifest) error {
	for _, o := range own.Objects {
		if winner != nil && named(winner, o.Key) {
			continue
		}
		err := b.Store.Delete(ctx, o.Key)
		if errors.As(err, new(*sink.RefusedError)) {
			b.Log.Warn("a leftover stays in the sink", "key", o.Key, "error", err)
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
func (h *shipper) adopt(ctx context.Context, winner *table.Manifest) error {
	h.MayBeBehind = true
	if i, chain, err := h.ownEnd(winner.End); err != nil {
		return err
	} else if i >= 0 {
		if chain != winner.ChainOut {
			return h.Abandon()
		}
		return h.keepFrom(i+1, winner)
	}
	points, err := h.pointsOf()
	if err != nil {
		return err
	}
	theirs := h.committedPoints().With(endsOf(winner)...)
	if points.Differ(theirs) {
		if err := h.NeedFile(ctx); err != nil {
			return h.Orphans.SetApart(err)
		}
		return h.Abandon()
	}
	if _, agrees := points.At(winner.End); agrees && h.File == nil {
		return h.goOnAt(pointOf(winner), winner)
	}
	if err := h.NeedFile(ctx); err != nil {
		return h.Orphans.SetApart(err)
	}
	x := &Told{}
	if err := x.Hold(ctx, h.File, []*Candidate{{Candidate: identity.Candidate{Points: theirs}}}); err != nil {
		return err
	}
	if x.Points.Differ(theirs) {
		return h.Abandon()
	}
	at, ok := x.Marks[winner.End]
	if !ok { // it is undecided, and gives its ordinal back
		if err := h.Orphans.holdBatches(h.Src.Outbox); err != nil {
			return err
		}
		// If we die here, an outbox without files is left. It meets the same winner, and has nothing to hold.
		return h.forget()
	}
	return h.goOnAt(at, winner)
}

// committedPoints is what is known of the content that the sink has under the source's id, beside its
// manifests.
func (h *shipper) committedPoints() identity.Points {
	m, ok := h.Sources.Families.Member(h.Key)
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
func (h *shipper) ownEnd(off int64) (int, source.Digest, error) {
	for i, e := range h.Src.Outbox {
		if e.Range.End != off {
			continue
		}
		ends, err := h.Ledger.Ends(h.Key)
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
func (h *shipper) keepFrom(i int, winner *table.Manifest) error {
	if err := h.dropBatches(h.Src.Outbox[:i]); err != nil {
		return err
	}
	return h.updateAsSeen(func(s *offsets.Source) error {
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
func (h *shipper) goOnAt(at source.Point, winner *table.Manifest) error {
	at.Carry = winner.Rest
	covered := 0
	for covered < len(h.Src.Outbox) && h.Src.Outbox[covered].Range.End <= winner.End {
		covered++
	}
	if err := h.dropBatches(h.Src.Outbox[:covered]); err != nil {
		return err
	}
	waited := h.Src.Outbox[covered:]
	rest, err := h.Recovery.inSpool(waited)
	if err != nil {
		return err
	}
	err = h.updateAsSeen(func(s *offsets.Source) error {
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
		h.Cutter.uncount(e)
	}
	h.Cutter.DropReader()
	h.Orphans.setAside(rest)
	return nil
}

// dropBatches takes batches that can never be shipped out of the spool and out of the counts.
func (h *shipper) dropBatches(batches []offsets.Entry) error {
	for _, e := range batches {
		if err := h.Spool.Remove(e.Spool); err != nil {
			return fmt.Errorf("remove %s from the spool: %w", e.Spool, err)
		}
		h.Cutter.uncount(e)
	}
	return nil
}

// Abandon forgets a source that its file turned out not to be; what was sealed as it is dropped
// unsent and cut again when the file is settled anew.
func (w *Writer) Abandon() error {
	if w.File == nil {
		return w.Orphans.SetApart(Stop(Gone, w.Path, "what the spool has of source %s belongs to another "+
			"source, and its file is not there to cut it again: "+bringBack, w.Key.ID))
	}
	if err := w.Shipper.dropBatches(w.Src.Outbox); err != nil {
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
func (h *shipper) rewind(ctx context.Context) error {
	if err := h.NeedFile(ctx); err != nil {
		return err
	}
	shipped := h.Src.Shipped
	marks, length, err := MarksTo(ctx, h.File, slices.Compact([]int64{shipped, h.Src.Sealed.Offset}))
	if err != nil {
		return err
	}
	if end := marks[h.Src.Sealed.Offset]; shipped == 0 && end.Chain == h.Src.Sealed.Chain {
		return h.Abandon() // nobody has seen anything of it: it gives its k back
	}
	at, ok := marks[shipped]
	if !ok || shipped == 0 {
		return Stop(Gone, h.Path, "the file ends at %d or is another by now, and the spool has lost what "+
			"follows %d", length, shipped)
	}
	if at.Carry, err = h.shippedRest(ctx); err != nil {
		return err
	}
	// What is left of the batch goes first: it cannot be shipped, and must not be taken again.
	waited := h.Src.Outbox
	if err := h.Spool.Remove(waited[0].Spool); err != nil {
		return fmt.Errorf("remove %s from the spool: %w", waited[0].Spool, err)
	}
	rest, err := h.Recovery.inSpool(waited[1:])
	if err != nil {
		return err
	}
	err = h.updateAsSeen(func(s *offsets.Source) error {
		s.Outbox, s.Sealed, s.Marker, s.OpenEnd = nil, at, source.Digest{}, at.Line != at.Offset
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range waited {
		h.Cutter.uncount(e)
	}
	h.Cutter.DropReader()
	h.Orphans.setAside(rest)
	return nil
}

// shippedRest asks the sink what the last shipped batch carries over, if the format does so.
func (h *shipper) shippedRest(ctx context.Context) (source.Carry, error) {
	if h.Stream == nil || !h.Stream.Parser.Joins() {
		return source.Carry{}, nil
	}
	m, err := h.Bucket.manifestAt(ctx, h.Key, h.Src.LastStart)
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
	head, ok, headErr := f.Head(true)
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
func (h *shipper) lookAhead(ctx context.Context) (bool, error) {
	if !h.MayBeBehind {
		return false, nil
	}
	there, err := h.Bucket.manifestAt(ctx, h.Key, h.Src.Sealed.Offset)
	if errors.Is(err, sink.ErrNotFound) {
		h.MayBeBehind = false
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, h.adopt(ctx, there)
}
