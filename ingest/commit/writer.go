package commit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// Writer is one source in hand. One goroutine owns it.
type Writer struct {
	*Engine
	Key    source.Key
	Path   string
	Stream *Stream     // nil when the config no longer has it: it can ship, not cut
	File   *files.File // nil when its file is not at hand
	Head   []byte      // of file
	State  offsets.FileState
	opened bool // this writer opened file and closes it
	found  bool // the file was settled as a source known from elsewhere

	K      uint64
	told   identity.Points // what its file has said of itself
	Facts  []source.Mark   // points that tell it apart from others and that no batch tells
	Marks  []source.Mark   // early ones of its file
	Src    *offsets.Source // as the ledger has it
	Sealed bool            // this run sealed or shipped something of it

	Cutter    cutter
	Shipper   shipper
	Ordinal   ordinal
	Orphans   orphans
	Retrieval retrieval
}

// NewWriter takes a source in hand for a file that was identified as it.
func (r *Engine) NewWriter(c Claim, k uint64, src *offsets.Source) *Writer {
	w := newWriter(r, source.KeyOf(c.Stream.Table(), c.Origin, k, c.Head), k)
	w.Path, w.Stream, w.File, w.Head, w.State = c.Path, c.Stream, c.File, c.Head, StateOf(c.File.Stat())
	w.Shipper.MayBeBehind = src.Shipped > 0
	w.take(src)
	return w
}

// newWriter gives a writer of the k-th source of its head, of which nothing is known yet.
func newWriter(e *Engine, key source.Key, k uint64) *Writer {
	w := &Writer{Engine: e, Key: key, K: k}
	w.Cutter = cutter{Writer: w, counts: map[int64]Counts{}}
	w.Shipper, w.Ordinal, w.Orphans, w.Retrieval = shipper{Writer: w}, ordinal{Writer: w}, orphans{w}, retrieval{w}
	return w
}

// Update changes the source in one transaction and keeps what the ledger then has. It is an error
// when the ledger has another source under the key than this one: it gave its id up, or another took
// it first. Nobody else makes an outbox longer, so who ships is woken here.
func (w *Writer) Update(fn func(*offsets.Source) error) error {
	var now *offsets.Source
	waited := 0
	err := w.Ledger.Update(w.Key, func(s *offsets.Source) error {
		if s.Serial != w.Src.Serial {
			return ErrSettleAgain
		}
		if s.Sealed.Chain != w.Src.Sealed.Chain {
			w.ForgetFile() // somebody else had the source go on
		}
		waited = len(s.Outbox)
		s.K, s.LowerRefuted = w.K, s.LowerRefuted || w.Ordinal.lower
		if s.Head = nil; s.Shipped == 0 {
			s.Head = w.headOf()
		}
		if err := fn(s); err != nil {
			return err
		}
		w.addFacts(s)
		now = s
		return nil
	})
	if err != nil {
		return fmt.Errorf("update source %s in the ledger: %w", w.Key.ID, err)
	}
	w.take(now)
	w.Recovery.unsent.note(w.Key, now)
	if w.OutboxGrew != nil && len(now.Outbox) > waited {
		w.OutboxGrew(w.Key)
	}
	return nil
}

// updateAsSeen is Update for a change that was decided on what is known of the outbox: it is an error
// when somebody has sealed or shipped since.
func (w *Writer) updateAsSeen(fn func(*offsets.Source) error) error {
	seen := w.Src
	return w.Update(func(s *offsets.Source) error {
		if s.Sealed != seen.Sealed || s.Shipped != seen.Shipped || len(s.Outbox) != len(seen.Outbox) {
			return fmt.Errorf("source %s went on: %w", w.Key.ID, ErrAgain)
		}
		return fn(s)
	})
}

// NoteFacts lets the ledger know what tells the source apart.
func (w *Writer) NoteFacts() error { return w.Update(func(*offsets.Source) error { return nil }) }

// addFacts lets the ledger know the facts about what is sealed. What follows may still go, or be sealed
// by another.
func (w *Writer) addFacts(s *offsets.Source) {
	for _, fact := range w.Facts {
		if fact.Offset <= s.Sealed.Offset {
			s.AddEnd(fact)
		}
	}
}

// ForgetFile drops what the file told: the source has gone on without it, and may be another log now.
func (w *Writer) ForgetFile() { w.Facts, w.told = nil, nil }

// Finish brings the file to its end: ships what waits, then seals batch by batch and ships them
// meanwhile. What was declared lost and is there after all comes last.
func (w *Writer) Finish(ctx context.Context) error {
	if err := w.Shipper.CheckBehind(ctx); err != nil {
		return err
	}
	for {
		if err := w.Shipper.Ship(ctx); err != nil {
			return err
		}
		more, err := w.Shipper.sealOn(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if err := w.Retrieval.TakeBackAll(ctx, w.Retrieval.sealAgainInTurn(ctx)); err != nil {
		return err
	}
	return w.Remember(ctx)
}

// Hold takes what a stopped source has in the spool out of the count, so that the others go on.
func (w *Writer) Hold() {
	for _, e := range w.Src.Outbox {
		w.Spool.Hold(e.Spool)
	}
}

// Remember notes a file that was read to its end, so that it need not be opened while it stays as
// it is. A file with a fault is looked at again each time.
func (w *Writer) Remember(ctx context.Context) error {
	if w.Cutter.Fault != nil {
		return w.report(w.Cutter.Fault)
	}
	if w.Cutter.leftHalf {
		what := "the last line, from %d on, has no line end"
		if w.Stream.Parser.Joins() {
			what = "the last record, from %d on, is not whole"
		}
		return Stop(Growing, w.Path, what+" and the file changed "+
			"while it was read, so it was not taken; run again when it is complete",
			w.Src.Sealed.Offset)
	}
	if w.Src.Sealed.Offset == 0 {
		return nil
	}
	if w.found && !w.Sealed {
		w.Counters.Add(func(r *Report) { r.Duplicates++ })
	}
	rec := offsets.FileRecord{
		Path: w.Path, State: w.State, Key: w.Key, Offset: w.Src.Sealed.Offset,
		Chain: w.Src.Sealed.Chain,
	}
	if w.hasMoved(ctx) {
		return w.moveTo(rec)
	}
	if err := w.Ledger.PutFile(w.Key.Table, rec); err != nil {
		return fmt.Errorf("remember %s in the ledger: %w", w.Path, err)
	}
	return nil
}

// hasMoved reports whether the file where the source was last seen is gone or is another by now: then this
// one is all there is of it, to hold others against.
func (w *Writer) hasMoved(ctx context.Context) bool {
	if w.Src.Path == w.Path {
		return false
	}
	f, err := files.Open(w.FS, w.Src.Path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*files.NotRegularError)) ||
			errors.As(err, new(*files.UnsupportedError)) || errors.As(err, new(*files.LinkError))
	}
	defer f.Close()
	if f.Compressed() {
		return false
	}
	same, err := HasSealed(ctx, f, w.Src)
	return errors.As(err, new(*files.ShrunkError)) || err == nil && !same
}

// moveTo notes that the source is now in the file of the work.
func (w *Writer) moveTo(rec offsets.FileRecord) error {
	var marker source.Digest // a compressed file has none
	if w.File != nil {
		var err error
		if marker, err = w.Cutter.MarkerAt(w.Src.Sealed.Offset); err != nil {
			return err
		}
	}
	return w.Update(func(s *offsets.Source) error {
		s.Path, s.File, s.Marker = w.Path, w.State, marker
		s.PutFile(rec)
		return nil
	})
}

// report makes a fault in a file a problem of the run.
func (w *Writer) report(fault error) error {
	var corrupt *files.CorruptError
	switch {
	case errors.As(fault, &corrupt) && corrupt.Trailing:
		return Stop(Corrupt, w.Path, "what follows the end of its compressed data, after %d bytes of content, "+
			"is skipped (%v); it was read up to %d. If nothing is missing, `ingest load --assume whole` takes "+
			"it for whole; else load a whole copy", corrupt.Offset, corrupt.Err, w.Src.Sealed.Offset)
	case errors.As(fault, &corrupt):
		return Stop(KindOf(corrupt), w.Path, "read up to %d, the last record end before the fault (%s); "+
			"load a whole copy to continue there", w.Src.Sealed.Offset, corrupt.Fault())
	case errors.As(fault, new(*files.ShrunkError)):
		return Stop(Changed, w.Path, "%v; what was sealed up to %d is kept; run again to read "+
			"the file as it is now", fault, w.Src.Sealed.Offset)
	}
	return fault
}

// provenance is what a store may keep beside an object; no object's bytes depend on it.
func (w *Writer) provenance() map[string]string {
	return map[string]string{"logseal-host": w.Host, "logseal-path": w.Path}
}
