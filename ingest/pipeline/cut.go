package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// epochFile is the file that a batch in the spool has after its objects: the epoch it was sealed
// under, which may no longer be the config's when it ships.
const epochFile = "epoch"

// cut seals the next range of the file and enters it into the outbox. It reports false when there
// is nothing more to read.
func (w *work) cut(ctx context.Context) (bool, error) {
	var b *seal.Batch
	err := w.whenThereIsRoom(ctx, func() (err error) {
		b, err = w.sealRange(ctx)
		if err != nil {
			w.dropReader() // it stands somewhere in the range
		}
		return err
	})
	if err != nil || b == nil {
		return false, err
	}
	counts := w.count(b)
	w.counts[b.Manifest.Start] = counts
	w.judge(b.Manifest, counts)
	return true, nil
}

// count counts a sealed batch, and gives what it was.
func (w *work) count(b *seal.Batch) Counts {
	counts := w.countsOf(b)
	w.sealed = true
	w.tally.count(w.key.Table, counts, 1)
	if w.sealedBatch != nil {
		w.sealedBatch(w, counts)
	}
	return counts
}

// countsOf gives what is in a sealed batch.
func (w *work) countsOf(b *seal.Batch) Counts {
	m := b.Manifest
	c := Counts{
		Bytes: m.End - m.Start, Records: m.Records, Rows: m.Rows, Rejects: m.Rejects,
		Skipped: m.Skipped, SkippedBytes: m.SkippedBytes, Objects: int64(len(m.Objects)),
		Reasons: b.Reasons,
	}
	if b.FirstReject != nil {
		c.First = &Reject{w.path, *b.FirstReject}
	}
	return c
}

// sealRange seals the next range into the spool and commits it to the ledger; no batch means that
// there was nothing to read.
func (w *work) sealRange(ctx context.Context) (*seal.Batch, error) {
	if err := w.openReader(ctx); err != nil {
		return nil, err
	}
	w.reader.stopped = ctx.Err
	if w.reader.AtEnd() {
		w.endReading()
		return nil, nil
	}
	limit, err := w.limit(ctx)
	if err != nil {
		return nil, err
	}
	b, err := w.sealUpTo(ctx, limit, w.stream.MaxPartitions)
	if !errors.Is(err, errTooShort) {
		return b, err
	}
	w.dropReader()
	return w.sealAsFarAsNeeded(ctx)
}

func (w *work) sealUpTo(ctx context.Context, limit int64, maxPartitions int) (*seal.Batch, error) {
	if err := w.openReader(ctx); err != nil {
		return nil, err
	}
	w.reader.stopped = ctx.Err
	release, err := w.Spool.Reserve(ctx, w.roomFor(limit))
	if err != nil {
		return nil, err
	}
	defer release()
	w.reader.Begin(w.src.Sealed.Offset, limit, w.src.Barrier)
	return w.sealBegun(maxPartitions, w.commit)
}

// errTooShort says that the first batch of a source ends before it differs from a source with a lower
// ordinal.
var errTooShort = errors.New("the batch does not tell the source apart")

// sealAsFarAsNeeded seals the first batch of a source past the usual limits, to the first record end at
// which it differs from every source with a lower ordinal.
func (w *work) sealAsFarAsNeeded(ctx context.Context) (*seal.Batch, error) {
	b, err := w.sealUpTo(ctx, w.reach+w.stream.Epoch.MaxRecordBytes, math.MaxInt)
	if !errors.Is(err, errTooShort) {
		return b, err
	}
	w.dropReader()
	return nil, stop(Undecided, w.path, "it begins as another source does, and its whole records end "+
		"before the two differ at %d: it is not read before it has more", w.reach)
}

// sealBegun seals the range that the reader has begun and hands it to commit.
func (w *work) sealBegun(
	maxPartitions int, commit func(Stage, *seal.Batch) error,
) (*seal.Batch, error) {
	stage, err := w.Spool.Stage()
	if err != nil {
		return nil, err
	}
	defer stage.Abort()
	b, err := w.sealer(seal.Input{
		Key: w.key, K: w.k, Epoch: w.stream.Epoch, Parser: w.stream.Parser,
		Start: w.src.Sealed, MaxPartitions: maxPartitions,
	}, w.reader, stage)
	if errors.Is(err, io.EOF) {
		w.endReading()
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("seal %s from %d: %w", w.path, w.src.Sealed.Offset, err)
	}
	if l := w.stream.Rejects; l.Halt && l.exceeded(b.Manifest.Rejects, b.Manifest.Records) {
		return nil, stop(Halted, w.path, "%s: nothing of that range was sealed; mend the format or "+
			"the file, or give --on-exceed quarantine", tooMany(b.Manifest, w.countsOf(b)))
	}
	same, err := w.reader.unchanged(b.End.Offset)
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, stop(Changed, w.path, "it was truncated or written over while it was read from %d "+
			"on: nothing of that range was sealed; run again to look at it anew",
			w.src.Sealed.Offset)
	}
	if err := w.checkHead(); err != nil {
		return nil, err
	}
	if w.encoded != nil {
		w.encoded()
	}
	return b, commit(stage, b)
}

// checkHead is an error when what is sealed from 0 on does not begin with the head that the source is named
// by: the file was another when that was read.
func (w *work) checkHead() error {
	if w.src.Sealed.Offset > 0 || w.head == nil {
		return nil
	}
	head, _, err := w.file.Head(true, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return err
	}
	if !bytes.Equal(head, w.head) {
		return fmt.Errorf("seal %s from 0: it begins otherwise than when it was told apart: %w", w.path,
			errSettleAgain)
	}
	return nil
}

// roomFor is how much a batch of at most limit bytes may take in the spool. A compressed file says
// nothing of its length, so a batch without a limit reserves what the file takes on disk.
func (w *work) roomFor(limit int64) int64 {
	size := w.file.Stat().Size
	switch {
	case limit == 0:
		return size
	case w.file.Compressed():
		return limit
	}
	return min(limit, max(0, size-w.src.Sealed.Offset))
}

// commit makes a sealed batch durable and advances the sealed offset over it.
func (w *work) commit(stage Stage, b *seal.Batch) error {
	if w.src.Sealed.Offset == 0 && w.k > 0 && b.End.Offset < w.reach {
		return errTooShort
	}
	m, marker := b.Manifest, w.reader.marker()
	if err := w.toSpool(stage, b); err != nil {
		return err
	}
	// Here the batch is complete and durable in the spool. If we die now, the next start finds that
	// it chains on to the sealed offset and takes it from there.
	err := w.update(func(s *offsets.Source) error {
		appendBatch(s, m, b.End)
		s.Path, s.File, s.Marker, s.OpenEnd = w.path, w.state, marker, m.OpenEnd
		return nil
	})
	if errors.Is(err, errSettleAgain) {
		// The source gave its id up while this was sealed: the file is told apart and cut anew, and
		// nobody would ever ship this or make room of it.
		err = errors.Join(err, w.dropUnentered(entryOf(m)))
	}
	return err
}

// dropUnentered removes a batch that its source did not enter, unless another file has sealed the same one
// as that source by now.
func (w *work) dropUnentered(e offsets.Entry) error {
	now, ok, err := w.Ledger.Get(w.key)
	if err != nil || ok && slices.Contains(now.Outbox, e) {
		return err
	}
	return w.Spool.Remove(e.Spool)
}

// toSpool makes a sealed batch durable.
func (w *work) toSpool(stage Stage, b *seal.Batch) error {
	names, err := w.addFiles(stage, b)
	if err != nil {
		return err
	}
	return stage.Commit(entryOf(b.Manifest).Spool, names, b.Manifest.JSON())
}

// addFiles stages what a batch in the spool has beside its objects, and names all of its files in order.
func (w *work) addFiles(stage Stage, b *seal.Batch) ([]string, error) {
	if err := writeFile(stage, epochFile, w.stream.Epoch.JSON()); err != nil {
		return nil, err
	}
	names := append(slices.Clone(b.Names), epochFile)
	if b.Manifest.Start == 0 && len(w.head) > 0 {
		if err := writeFile(stage, noteFile, w.noteOf().file()); err != nil {
			return nil, err
		}
		names = append(names, noteFile)
	}
	return names, nil
}

func writeFile(stage Stage, name string, body []byte) error {
	f, err := stage.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, bytes.NewReader(body)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func entryOf(m *table.Manifest) offsets.Entry {
	return offsets.Entry{Range: m.Range(), Seal: m.Seal, Spool: m.BatchName().String(),
		State: m.ChainState, Rest: m.Rest}
}

// appendBatch adds a batch that starts at the sealed offset to the outbox.
func appendBatch(s *offsets.Source, m *table.Manifest, end source.Point) {
	s.Outbox = append(s.Outbox, entryOf(m))
	s.Sealed = end
	s.Highest = max(s.Highest, end.Offset)
	if s.Barrier <= end.Offset {
		s.Barrier = 0
	}
	addEnds(s, m)
}

// addEnds lets the ledger know all that a manifest says of its source's chain: at its marks and at
// its end. By the marks a file that begins alike is told apart before it is as long as the batch.
func addEnds(s *offsets.Source, m *table.Manifest) {
	for _, end := range endsOf(m) {
		s.AddEnd(end)
	}
}

// endsOf gives a manifest's marks and its end, in order.
func endsOf(m *table.Manifest) []offsets.End {
	return append(slices.Clone(m.Marks), offsets.End{Offset: m.End, Chain: m.ChainOut})
}

// markerAt is the marker of the file before off; a compressed file has none, since nobody
// truncates one in place and goes on writing.
func (w *work) markerAt(off int64) (source.Digest, error) {
	if w.file.Compressed() {
		return source.Digest{}, nil
	}
	return w.file.Marker(off)
}
