package commit

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

// Cut seals the next range of the file and enters it into the outbox. It reports false when there
// is nothing more to read.
func (w *Writer) Cut(ctx context.Context) (bool, error) {
	var b *seal.Batch
	err := w.WhenThereIsRoom(ctx, func() (err error) {
		b, err = w.sealRange(ctx)
		if err != nil {
			w.DropReader() // it stands somewhere in the range
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
func (w *Writer) count(b *seal.Batch) Counts {
	counts := w.countsOf(b)
	w.Sealed = true
	w.Tally.count(w.Key.Table, counts, 1)
	if w.SealedBatch != nil {
		w.SealedBatch(w, counts)
	}
	return counts
}

// countsOf gives what is in a sealed batch.
func (w *Writer) countsOf(b *seal.Batch) Counts {
	m := b.Manifest
	c := Counts{
		Bytes: m.End - m.Start, Records: m.Records, Rows: m.Rows, Rejects: m.Rejects,
		Skipped: m.Skipped, SkippedBytes: m.SkippedBytes, Objects: int64(len(m.Objects)),
		Reasons: b.Reasons,
	}
	if b.FirstReject != nil {
		c.First = &Reject{w.Path, *b.FirstReject}
	}
	return c
}

// sealRange seals the next range into the spool and commits it to the ledger; no batch means that
// there was nothing to read.
func (w *Writer) sealRange(ctx context.Context) (*seal.Batch, error) {
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
	b, err := w.sealUpTo(ctx, limit, w.Stream.MaxPartitions)
	if !errors.Is(err, errTooShort) {
		return b, err
	}
	w.DropReader()
	return w.sealAsFarAsNeeded(ctx)
}

func (w *Writer) sealUpTo(ctx context.Context, limit int64, maxPartitions int) (*seal.Batch, error) {
	if err := w.openReader(ctx); err != nil {
		return nil, err
	}
	w.reader.stopped = ctx.Err
	release, err := w.Spool.Reserve(ctx, w.roomFor(limit))
	if err != nil {
		return nil, err
	}
	defer release()
	w.reader.Begin(w.Src.Sealed.Offset, limit, w.Src.Barrier)
	return w.sealBegun(maxPartitions, w.commit)
}

// errTooShort says that the first batch of a source ends before it differs from a source with a lower
// ordinal.
var errTooShort = errors.New("the batch does not tell the source apart")

// sealAsFarAsNeeded seals the first batch of a source past the usual limits, to the first record end at
// which it differs from every source with a lower ordinal.
func (w *Writer) sealAsFarAsNeeded(ctx context.Context) (*seal.Batch, error) {
	b, err := w.sealUpTo(ctx, w.Reach+w.Stream.Epoch.MaxRecordBytes, math.MaxInt)
	if !errors.Is(err, errTooShort) {
		return b, err
	}
	w.DropReader()
	return nil, Stop(Undecided, w.Path, "it begins as another source does, and its whole records end "+
		"before the two differ at %d: it is not read before it has more", w.Reach)
}

// sealBegun seals the range that the reader has begun and hands it to commit.
func (w *Writer) sealBegun(
	maxPartitions int, commit func(Stage, *seal.Batch) error,
) (*seal.Batch, error) {
	stage, err := w.Spool.Stage()
	if err != nil {
		return nil, err
	}
	defer stage.Abort()
	b, err := w.Sealer(seal.Input{
		Key: w.Key, K: w.K, Epoch: w.Stream.Epoch, Parser: w.Stream.Parser,
		Start: w.Src.Sealed, MaxPartitions: maxPartitions,
	}, w.reader, stage)
	if errors.Is(err, io.EOF) {
		w.endReading()
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("seal %s from %d: %w", w.Path, w.Src.Sealed.Offset, err)
	}
	if l := w.Stream.Rejects; l.Halt && l.Exceeded(b.Manifest.Rejects, b.Manifest.Records) {
		return nil, Stop(Halted, w.Path, "%s: nothing of that range was sealed; mend the format or "+
			"the file, or give --on-exceed quarantine", tooMany(b.Manifest, w.countsOf(b)))
	}
	same, err := w.reader.unchanged(b.End.Offset)
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, Stop(Changed, w.Path, "it was truncated or written over while it was read from %d "+
			"on: nothing of that range was sealed; run again to look at it anew",
			w.Src.Sealed.Offset)
	}
	if err := w.checkHead(); err != nil {
		return nil, err
	}
	if w.Encoded != nil {
		w.Encoded()
	}
	return b, commit(stage, b)
}

// checkHead is an error when what is sealed from 0 on does not begin with the head that the source is named
// by: the file was another when that was read.
func (w *Writer) checkHead() error {
	if w.Src.Sealed.Offset > 0 || w.Head == nil {
		return nil
	}
	head, _, err := w.File.Head(true, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return err
	}
	if !bytes.Equal(head, w.Head) {
		return fmt.Errorf("seal %s from 0: it begins otherwise than when it was told apart: %w", w.Path,
			ErrSettleAgain)
	}
	return nil
}

// roomFor is how much a batch of at most limit bytes may take in the spool. A compressed file says
// nothing of its length, so a batch without a limit reserves what the file takes on disk.
func (w *Writer) roomFor(limit int64) int64 {
	size := w.File.Stat().Size
	switch {
	case limit == 0:
		return size
	case w.File.Compressed():
		return limit
	}
	return min(limit, max(0, size-w.Src.Sealed.Offset))
}

// commit makes a sealed batch durable and advances the sealed offset over it.
func (w *Writer) commit(stage Stage, b *seal.Batch) error {
	if w.Src.Sealed.Offset == 0 && w.K > 0 && b.End.Offset < w.Reach {
		return errTooShort
	}
	m, marker := b.Manifest, w.reader.marker()
	if err := w.toSpool(stage, b); err != nil {
		return err
	}
	// Here the batch is complete and durable in the spool. If we die now, the next start finds that
	// it chains on to the sealed offset and takes it from there.
	err := w.Update(func(s *offsets.Source) error {
		AppendBatch(s, m, b.End)
		s.Path, s.File, s.Marker, s.OpenEnd = w.Path, w.State, marker, m.OpenEnd
		return nil
	})
	if errors.Is(err, ErrSettleAgain) {
		// The source gave its id up while this was sealed: the file is told apart and cut anew, and
		// nobody would ever ship this or make room of it.
		err = errors.Join(err, w.dropUnentered(EntryOf(m)))
	}
	return err
}

// dropUnentered removes a batch that its source did not enter, unless another file has sealed the same one
// as that source by now.
func (w *Writer) dropUnentered(e offsets.Entry) error {
	now, ok, err := w.Ledger.Get(w.Key)
	if err != nil || ok && slices.Contains(now.Outbox, e) {
		return err
	}
	return w.Spool.Remove(e.Spool)
}

// toSpool makes a sealed batch durable.
func (w *Writer) toSpool(stage Stage, b *seal.Batch) error {
	names, err := w.addFiles(stage, b)
	if err != nil {
		return err
	}
	return stage.Commit(EntryOf(b.Manifest).Spool, names, b.Manifest.JSON())
}

// addFiles stages what a batch in the spool has beside its objects, and names all of its files in order.
func (w *Writer) addFiles(stage Stage, b *seal.Batch) ([]string, error) {
	if err := WriteFile(stage, epochFile, w.Stream.Epoch.JSON()); err != nil {
		return nil, err
	}
	names := append(slices.Clone(b.Names), epochFile)
	if b.Manifest.Start == 0 && len(w.Head) > 0 {
		if err := WriteFile(stage, NoteFile, w.NoteOf().File()); err != nil {
			return nil, err
		}
		names = append(names, NoteFile)
	}
	return names, nil
}

func WriteFile(stage Stage, name string, body []byte) error {
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

func EntryOf(m *table.Manifest) offsets.Entry {
	return offsets.Entry{Range: m.Range(), Seal: m.Seal, Spool: m.BatchName().String(),
		State: m.ChainState, Rest: m.Rest}
}

// AppendBatch adds a batch that starts at the sealed offset to the outbox.
func AppendBatch(s *offsets.Source, m *table.Manifest, end source.Point) {
	s.Outbox = append(s.Outbox, EntryOf(m))
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

// MarkerAt is the marker of the file before off; a compressed file has none, since nobody
// truncates one in place and goes on writing.
func (w *Writer) MarkerAt(off int64) (source.Digest, error) {
	if w.File.Compressed() {
		return source.Digest{}, nil
	}
	return w.File.Marker(off)
}
