package pipeline

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

// work is one source in hand. One goroutine owns it.
type work struct {
	*run
	key    source.Key
	path   string
	stream *Stream     // nil when the config no longer has it: it can ship, not cut
	file   *files.File // nil when its file is not at hand
	head   []byte      // of file
	state  offsets.FileState
	opened bool // this work opened file and closes it
	found  bool // the file was settled as a source known from elsewhere

	assumed bool // to be a source of its own, though a lower k may be it
	k       uint64
	lower   bool            // the manifests of every lower ordinal refute it
	told    identity.Points // what its file has said of itself
	facts   []source.Mark   // points that tell it apart from others and that no batch tells
	reach   int64           // up to where its first batch has to go
	marks   []source.Mark   // early ones of its file
	src     *offsets.Source // as the ledger has it
	known   source.Point    // of the source, with its line; zero for none
	reader  *feed           // nil until the next cut and after the last one
	chase   bool            // another writer may be ahead: ask before cutting
	sealed  bool            // this run sealed or shipped something of it

	fault    error // what ended the file before its end
	leftHalf bool  // its last line was not taken
	padded   bool  // it was said that it has padding
	// openRecord is where the whole lines of a last record end that lacks its last part; 0 for none.
	openRecord int64

	// encoded is called when a batch only has to be made durable: that takes time, but no processor and
	// little memory. Nil for nothing.
	encoded func()

	counts map[int64]Counts // of the batches in the outbox that this run sealed, by their start
}

func (r *run) newWork(c claim, k uint64, src *offsets.Source) *work {
	w := &work{
		run: r, key: source.KeyOf(c.stream.Table(), c.origin, k, c.head), k: k,
		path: c.path, stream: c.stream, file: c.file, head: c.head, state: stateOf(c.file.Stat()),
		chase: src.Shipped > 0, counts: map[int64]Counts{},
	}
	w.take(src)
	return w
}

// update changes the source in one transaction and keeps what the ledger then has. It is an error
// when the ledger has another source under the key than this one: it gave its id up, or another took
// it first. Nobody else makes an outbox longer, so who ships is woken here.
func (w *work) update(fn func(*offsets.Source) error) error {
	var now *offsets.Source
	waited := 0
	err := w.Ledger.Update(w.key, func(s *offsets.Source) error {
		if s.Serial != w.src.Serial {
			return errSettleAgain
		}
		if s.Sealed.Chain != w.src.Sealed.Chain {
			w.forgetFile() // somebody else had the source go on
		}
		waited = len(s.Outbox)
		s.K, s.LowerRefuted = w.k, s.LowerRefuted || w.lower
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
		return fmt.Errorf("update source %s in the ledger: %w", w.key.ID, err)
	}
	w.take(now)
	w.unsent.note(w.key, now)
	if w.outboxGrew != nil && len(now.Outbox) > waited {
		w.outboxGrew(w.key)
	}
	return nil
}

// updateAsSeen is update for a change that was decided on what is known of the outbox: it is an error
// when somebody has sealed or shipped since.
func (w *work) updateAsSeen(fn func(*offsets.Source) error) error {
	seen := w.src
	return w.update(func(s *offsets.Source) error {
		if s.Sealed != seen.Sealed || s.Shipped != seen.Shipped || len(s.Outbox) != len(seen.Outbox) {
			return fmt.Errorf("source %s went on: %w", w.key.ID, errAgain)
		}
		return fn(s)
	})
}

// noteFacts lets the ledger know what tells the source apart.
func (w *work) noteFacts() error { return w.update(func(*offsets.Source) error { return nil }) }

// addFacts lets the ledger know the facts about what is sealed. What follows may still go, or be sealed
// by another.
func (w *work) addFacts(s *offsets.Source) {
	for _, fact := range w.facts {
		if fact.Offset <= s.Sealed.Offset {
			s.AddEnd(fact)
		}
	}
}

// forgetFile drops what the file told: the source has gone on without it, and may be another log now.
func (w *work) forgetFile() { w.facts, w.told = nil, nil }

// finish brings the file to its end: ships what waits, then seals batch by batch and ships them
// meanwhile. What was declared lost and is there after all comes last.
func (w *work) finish(ctx context.Context) error {
	if err := w.checkBehind(ctx); err != nil {
		return err
	}
	for {
		if err := w.ship(ctx); err != nil {
			return err
		}
		more, err := w.sealOn(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if err := w.takeBackAll(ctx, w.sealAgainInTurn(ctx)); err != nil {
		return err
	}
	return w.remember(ctx)
}

// hold takes what a stopped source has in the spool out of the count, so that the others go on.
func (w *work) hold() {
	for _, e := range w.src.Outbox {
		w.Spool.Hold(e.Spool)
	}
}

// remember notes a file that was read to its end, so that it need not be opened while it stays as
// it is. A file with a fault is looked at again each time.
func (w *work) remember(ctx context.Context) error {
	if w.fault != nil {
		return w.report(w.fault)
	}
	if w.leftHalf {
		what := "the last line, from %d on, has no line end"
		if w.stream.Parser.Joins() {
			what = "the last record, from %d on, is not whole"
		}
		return stop(Growing, w.path, what+" and the file changed "+
			"while it was read, so it was not taken; run again when it is complete",
			w.src.Sealed.Offset)
	}
	if w.src.Sealed.Offset == 0 {
		return nil
	}
	if w.found && !w.sealed {
		w.tally.add(func(r *Report) { r.Duplicates++ })
	}
	rec := offsets.FileRecord{
		Path: w.path, State: w.state, Key: w.key, Offset: w.src.Sealed.Offset,
		Chain: w.src.Sealed.Chain,
	}
	if w.hasMoved(ctx) {
		return w.moveTo(rec)
	}
	if err := w.Ledger.PutFile(w.key.Table, rec); err != nil {
		return fmt.Errorf("remember %s in the ledger: %w", w.path, err)
	}
	return nil
}

// hasMoved reports whether the file where the source was last seen is gone or is another by now: then this
// one is all there is of it, to hold others against.
func (w *work) hasMoved(ctx context.Context) bool {
	if w.src.Path == w.path {
		return false
	}
	f, err := files.Open(w.FS, w.src.Path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*files.NotRegularError)) ||
			errors.As(err, new(*files.UnsupportedError)) || errors.As(err, new(*files.LinkError))
	}
	defer f.Close()
	if f.Compressed() {
		return false
	}
	same, err := hasSealed(ctx, f, w.src)
	return errors.As(err, new(*files.ShrunkError)) || err == nil && !same
}

// moveTo notes that the source is now in the file of the work.
func (w *work) moveTo(rec offsets.FileRecord) error {
	var marker source.Digest // a compressed file has none
	if w.file != nil {
		var err error
		if marker, err = w.markerAt(w.src.Sealed.Offset); err != nil {
			return err
		}
	}
	return w.update(func(s *offsets.Source) error {
		s.Path, s.File, s.Marker = w.path, w.state, marker
		s.PutFile(rec)
		return nil
	})
}

// report makes a fault in a file a problem of the run.
func (w *work) report(fault error) error {
	var corrupt *files.CorruptError
	switch {
	case errors.As(fault, &corrupt) && corrupt.Trailing:
		return stop(Corrupt, w.path, "what follows the end of its compressed data, after %d bytes of content, "+
			"is skipped (%v); it was read up to %d. If nothing is missing, `ingest load --assume whole` takes "+
			"it for whole; else load a whole copy", corrupt.Offset, corrupt.Err, w.src.Sealed.Offset)
	case errors.As(fault, &corrupt):
		return stop(kindOf(corrupt), w.path, "read up to %d, the last record end before the fault (%s); "+
			"load a whole copy to go on there", w.src.Sealed.Offset, corrupt.Fault())
	case errors.As(fault, new(*files.ShrunkError)):
		return stop(Changed, w.path, "%v; what was sealed up to %d is kept, run again to look at "+
			"the file anew", fault, w.src.Sealed.Offset)
	}
	return fault
}

// openReader positions a reader at the sealed offset.
func (w *work) openReader(ctx context.Context) error {
	if w.reader != nil {
		return nil
	}
	if err := w.learnLine(ctx); err != nil {
		return err
	}
	at := w.src.Sealed
	reader, err := w.file.ReaderOf(ctx, at, int(w.stream.Epoch.MaxRecordBytes),
		w.stream.Parser.Parts())
	var changed *files.ChangedError
	if errors.As(err, &changed) {
		return stop(Changed, w.path, "%v; run again to look at it anew", changed)
	}
	if err != nil {
		return err
	}
	w.reader, err = newFeed(w.file, reader, at.Offset)
	if err != nil {
		return err
	}
	w.reader.progress, w.reader.padded = w.Progress, w.sayPadded
	return nil
}

// sayPadded says once of a file that it has padding.
func (w *work) sayPadded(at int64) {
	if w.padded {
		return
	}
	w.padded = true
	w.Log.Warn("NUL bytes or a byte order mark at the start of a record were skipped: a crash, a log that is "+
		"truncated under its writer, or files that were joined, leave them", "path", w.path, "at", at)
}

func (w *work) dropReader() { w.reader = nil }

// endReading keeps how the file ended, and gives back what reading takes: shipping may take long.
func (w *work) endReading() {
	w.fault, w.leftHalf, w.openRecord = w.reader.fault, w.reader.LeftHalf(), 0
	if end, ok := w.reader.LeftRecord(); ok {
		w.openRecord = end
	}
	w.dropReader()
}
