package pipeline

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/files"
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
	lower   bool            // the manifests of every lower k refute it
	differs []source.ID     // the sources with a lower k, when the ledger knows that it is none of them
	src     *offsets.Source // as the ledger has it
	reader  *feed           // nil until the next cut and after the last one
	chase   bool            // another writer may be ahead: ask before cutting
	sealed  bool            // this run sealed or shipped something of it

	fault    error // what ended the file before its end
	leftHalf bool  // its last line was not taken
	// openRecord is where the whole lines of a last record end that lacks its last part; 0 for none.
	openRecord int64

	// encoded is called when a batch only has to be made durable: that takes time, but no processor and
	// little memory. Nil for nothing.
	encoded func()

	counts map[int64]Counts // of the batches in the outbox that this run sealed, by their start
}

func (r *run) newWork(c claim, k uint64, src *offsets.Source) *work {
	return &work{
		run: r, key: keyOf(c.stream.Table(), c.origin, k, c.head), k: k, src: src,
		path: c.path, stream: c.stream, file: c.file, head: c.head, state: stateOf(c.file.Stat()),
		chase: src.Shipped > 0, counts: map[int64]Counts{},
	}
}

// update changes the source in one transaction and keeps what the ledger then has.
func (w *work) update(fn func(*offsets.Source) error) error {
	var now offsets.Source
	err := w.Ledger.Update(w.key, func(s *offsets.Source) error {
		s.K, s.LowerRefuted = w.k, s.LowerRefuted || w.lower
		if len(s.Lower) == 0 && !s.LowerRefuted {
			s.Lower = w.differs
		}
		if err := fn(s); err != nil {
			return err
		}
		now = *s
		return nil
	})
	if err != nil {
		return fmt.Errorf("update source %s in the ledger: %w", w.key.ID, err)
	}
	w.src = &now
	w.unsent.note(w.key, &now)
	return nil
}

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
	return w.remember()
}

// hold takes what a stopped source has in the spool out of the count, so that the others go on.
func (w *work) hold() {
	for _, e := range w.src.Outbox {
		w.Spool.Hold(e.Spool)
	}
}

// remember notes a file that was read to its end, so that it need not be opened while it stays as
// it is. A file with a fault is looked at again each time.
func (w *work) remember() error {
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
	known := w.found && !w.sealed
	if known {
		w.tally.add(func(r *Report) { r.Duplicates++ })
	}
	err := w.Ledger.PutFile(w.key.Table, offsets.FileRecord{
		Path: w.path, State: w.state, Key: w.key, Offset: w.src.Sealed.Offset,
		Duplicate: known,
	})
	if err != nil {
		return fmt.Errorf("remember %s in the ledger: %w", w.path, err)
	}
	return nil
}

// report makes a fault in a file a problem of the run.
func (w *work) report(fault error) error {
	var corrupt *files.CorruptError
	switch {
	case errors.As(fault, &corrupt):
		return stop(Corrupt, w.path, "read up to %d, the last record end before the fault (%v); "+
			"load a whole copy to go on there", w.src.Sealed.Offset, corrupt)
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
	w.reader.progress = w.Progress
	return nil
}

// learnLine asks the file where the line at the sealed offset began, when only a manifest has told
// that offset. The next batch carries it, so the ledger has to know it, too.
func (w *work) learnLine(ctx context.Context) error {
	if w.src.Sealed.Line != unknownLine {
		return nil
	}
	marks, _, err := marksTo(ctx, w.file, []int64{w.src.Sealed.Offset})
	if err != nil {
		return err
	}
	at, ok := marks[w.src.Sealed.Offset]
	if !ok || at.Chain != w.src.Sealed.Chain {
		return stop(Changed, w.path, "the bytes before %d are not those that were read; run again to "+
			"look at it anew", w.src.Sealed.Offset)
	}
	return w.update(func(s *offsets.Source) error {
		s.Sealed.Line = at.Line
		return nil
	})
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
