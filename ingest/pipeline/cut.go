package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/source"
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
	m := b.Manifest
	w.counts[m.Start] = w.count(b)
	if w.stream.Rejects.exceeded(m.Rejects, m.Records) {
		w.raise(Problem{TooManyRejects, w.path, tooMany(m) + "; they are in quarantine"})
	}
	return true, nil
}

// count counts a sealed batch, and gives what it was.
func (w *work) count(b *seal.Batch) Counts {
	m := b.Manifest
	counts := Counts{
		Bytes: m.End - m.Start, Records: m.Records, Rows: m.Rows, Rejects: m.Rejects,
		Skipped: m.Skipped, SkippedBytes: m.SkippedBytes, Objects: int64(len(m.Objects)),
		Reasons: b.Reasons,
	}
	w.sealed = true
	w.tally.add(func(r *Report) { r.Counts.add(counts, 1) })
	if w.sealedBatch != nil {
		w.sealedBatch(w, counts)
	}
	return counts
}

func tooMany(m *seal.Manifest) string {
	return fmt.Sprintf("%d of %d records in %v are rejects, which is past the limit",
		m.Rejects, m.Records, m.Range())
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
	release, err := w.Spool.Reserve(ctx, w.roomFor(limit))
	if err != nil {
		return nil, err
	}
	defer release()
	w.reader.Begin(w.src.Sealed.Offset, limit, w.src.Barrier)
	return w.sealBegun(w.stream.MaxPartitions, w.commit)
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
			"the file, or give --on-exceed quarantine", tooMany(b.Manifest))
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
	if w.encoded != nil {
		w.encoded()
	}
	return b, commit(stage, b)
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
	m, marker := b.Manifest, w.reader.marker()
	if err := w.toSpool(stage, b); err != nil {
		return err
	}
	// Here the batch is complete and durable in the spool. If we die now, the next start finds that
	// it chains on to the sealed offset and takes it from there.
	return w.update(func(s *offsets.Source) error {
		for _, p := range w.reader.landmarks(b.End.Offset) {
			s.AddEnd(p)
		}
		appendBatch(s, entryOf(m), b.End)
		s.Path, s.File, s.Marker, s.OpenEnd = w.path, w.state, marker, m.OpenEnd
		return nil
	})
}

// toSpool makes a sealed batch durable.
func (w *work) toSpool(stage Stage, b *seal.Batch) error {
	if err := writeFile(stage, epochFile, w.stream.Epoch.JSON()); err != nil {
		return err
	}
	names := append(slices.Clone(b.Names), epochFile)
	return stage.Commit(entryOf(b.Manifest).Spool, names, b.Manifest.JSON())
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

func entryOf(m *seal.Manifest) offsets.Entry {
	return offsets.Entry{Range: m.Range(), Seal: m.Seal, Spool: m.BatchName().String(),
		State: m.ChainState, Rest: m.Rest}
}

// appendBatch adds a batch that starts at the sealed offset to the outbox.
func appendBatch(s *offsets.Source, e offsets.Entry, end source.Point) {
	s.Outbox = append(s.Outbox, e)
	s.Sealed = end
	s.Highest = max(s.Highest, end.Offset)
	if s.Barrier <= end.Offset {
		s.Barrier = 0
	}
	s.AddEnd(end)
}

// markerAt is the marker of the file before off; a compressed file has none, since nobody
// truncates one in place and goes on writing.
func (w *work) markerAt(off int64) (source.Digest, error) {
	if w.file.Compressed() {
		return source.Digest{}, nil
	}
	return w.file.Marker(off)
}
