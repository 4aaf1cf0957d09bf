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
func (u *cutter) Cut(ctx context.Context) (bool, error) {
	var b *seal.Batch
	err := u.RetryWhileDiskFull(ctx, func() (err error) {
		b, err = u.sealRange(ctx)
		if err != nil {
			u.DropReader() // it stands somewhere in the range
		}
		return err
	})
	if err != nil || b == nil {
		return false, err
	}
	counts := u.count(b)
	u.counts[b.Manifest.Start] = counts
	u.judge(b.Manifest, counts)
	return true, nil
}

// count counts a sealed batch, and gives what it was.
func (u *cutter) count(b *seal.Batch) Counts {
	counts := u.countsOf(b)
	u.Sealed = true
	u.Counters.count(u.Key.Table, counts, 1)
	if u.SealedBatch != nil {
		u.SealedBatch(u.Writer, counts)
	}
	return counts
}

// countsOf gives what is in a sealed batch.
func (u *cutter) countsOf(b *seal.Batch) Counts {
	m := b.Manifest
	c := Counts{
		Bytes: m.End - m.Start, Records: m.Records, Rows: m.Rows, Rejects: m.Rejects,
		Skipped: m.Skipped, SkippedBytes: m.SkippedBytes, Objects: int64(len(m.Objects)),
		Reasons: b.Reasons,
	}
	if b.FirstReject != nil {
		c.First = &Reject{u.Path, *b.FirstReject}
	}
	return c
}

// sealRange seals the next range into the spool and commits it to the ledger; no batch means that
// there was nothing to read.
func (u *cutter) sealRange(ctx context.Context) (*seal.Batch, error) {
	if err := u.openReader(ctx); err != nil {
		return nil, err
	}
	u.reader.stopped = ctx.Err
	if u.reader.AtEnd() {
		u.endReading()
		return nil, nil
	}
	limit, err := u.limit(ctx)
	if err != nil {
		return nil, err
	}
	b, err := u.sealUpTo(ctx, limit, u.Stream.MaxPartitions)
	if !errors.Is(err, errTooShort) {
		return b, err
	}
	u.DropReader()
	return u.sealAsFarAsNeeded(ctx)
}

func (u *cutter) sealUpTo(ctx context.Context, limit int64, maxPartitions int) (*seal.Batch, error) {
	if err := u.openReader(ctx); err != nil {
		return nil, err
	}
	u.reader.stopped = ctx.Err
	release, err := u.Spool.Reserve(ctx, u.roomFor(limit))
	if err != nil {
		return nil, err
	}
	defer release()
	u.reader.Begin(u.Src.Sealed.Offset, limit, u.Src.Barrier)
	return u.sealBegun(maxPartitions, u.commit)
}

// errTooShort says that the first batch of a source ends before it differs from a source with a lower
// ordinal.
var errTooShort = errors.New("the batch does not tell the source apart")

// sealAsFarAsNeeded seals the first batch of a source past the usual limits, to the first record end at
// which it differs from every source with a lower ordinal.
func (u *cutter) sealAsFarAsNeeded(ctx context.Context) (*seal.Batch, error) {
	b, err := u.sealUpTo(ctx, u.Ordinal.Reach+u.Stream.Epoch.MaxRecordBytes, math.MaxInt)
	if !errors.Is(err, errTooShort) {
		return b, err
	}
	u.DropReader()
	return nil, Stop(Undecided, u.Path, "it begins as another source does, and its whole records end "+
		"before the two differ at %d: it is read when it has more", u.Ordinal.Reach)
}

// sealBegun seals the range that the reader has begun and hands it to commit.
func (u *cutter) sealBegun(
	maxPartitions int, commit func(Stage, *seal.Batch) error,
) (*seal.Batch, error) {
	stage, err := u.Spool.Stage()
	if err != nil {
		return nil, err
	}
	defer stage.Abort()
	b, err := u.Sealer(seal.Input{
		Key: u.Key, K: u.K, Epoch: u.Stream.Epoch, Parser: u.Stream.Parser,
		Start: u.Src.Sealed, MaxPartitions: maxPartitions,
	}, u.reader, stage)
	if errors.Is(err, io.EOF) {
		u.endReading()
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("seal %s from %d: %w", u.Path, u.Src.Sealed.Offset, err)
	}
	if l := u.Stream.Rejects; l.Halt && l.Exceeded(b.Manifest.Rejects, b.Manifest.Records) {
		return nil, Stop(Halted, u.Path, "%s: nothing of that range was sealed; fix the format or "+
			"the file, or give --on-exceed quarantine", tooMany(b.Manifest, u.countsOf(b)))
	}
	same, err := u.reader.unchanged(b.End.Offset)
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, Stop(Changed, u.Path, "it was truncated or overwritten while it was read from %d "+
			"on: nothing of that range was sealed; run again to read it as it is now",
			u.Src.Sealed.Offset)
	}
	if err := u.checkHead(); err != nil {
		return nil, err
	}
	if u.OnEncoded != nil {
		u.OnEncoded()
	}
	return b, commit(stage, b)
}

// checkHead is an error when what is sealed from 0 on does not begin with the head that the source is named
// by: the file was another when that was read.
func (u *cutter) checkHead() error {
	if u.Src.Sealed.Offset > 0 || u.Head == nil {
		return nil
	}
	head, _, err := u.File.Head(true)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return err
	}
	if !bytes.Equal(head, u.Head) {
		return fmt.Errorf("seal %s from 0: it begins differently than when it was identified: %w", u.Path,
			ErrSettleAgain)
	}
	return nil
}

// roomFor is how much a batch of at most limit bytes may take in the spool. A compressed file says
// nothing of its length, so a batch without a limit reserves what the file takes on disk.
func (u *cutter) roomFor(limit int64) int64 {
	size := u.File.Stat().Size
	switch {
	case limit == 0:
		return size
	case u.File.Compressed():
		return limit
	}
	return min(limit, max(0, size-u.Src.Sealed.Offset))
}

// commit makes a sealed batch durable and advances the sealed offset over it.
func (u *cutter) commit(stage Stage, b *seal.Batch) error {
	if u.Src.Sealed.Offset == 0 && u.K > 0 && b.End.Offset < u.Ordinal.Reach {
		return errTooShort
	}
	m, marker := b.Manifest, u.reader.marker()
	if err := u.toSpool(stage, b); err != nil {
		return err
	}
	// Here the batch is complete and durable in the spool. If we die now, the next start finds that
	// it chains on to the sealed offset and takes it from there.
	err := u.Update(func(s *offsets.Source) error {
		AppendBatch(s, m, b.End)
		s.Path, s.File, s.Marker, s.OpenEnd = u.Path, u.State, marker, m.OpenEnd
		return nil
	})
	if errors.Is(err, ErrSettleAgain) {
		// The source gave its id up while this was sealed: the file is told apart and cut anew, and
		// nobody would ever ship this or make room of it.
		err = errors.Join(err, u.dropUnentered(EntryOf(m)))
	}
	return err
}

// dropUnentered removes a batch that its source did not enter, unless another file has sealed the same one
// as that source by now.
func (u *cutter) dropUnentered(e offsets.Entry) error {
	now, ok, err := u.Ledger.Get(u.Key)
	if err != nil || ok && slices.Contains(now.Outbox, e) {
		return err
	}
	return u.Spool.Remove(e.Spool)
}

// toSpool makes a sealed batch durable.
func (u *cutter) toSpool(stage Stage, b *seal.Batch) error {
	names, err := u.addFiles(stage, b)
	if err != nil {
		return err
	}
	return stage.Commit(EntryOf(b.Manifest).Spool, names, b.Manifest.JSON())
}

// addFiles stages what a batch in the spool has beside its objects, and names all of its files in order.
func (u *cutter) addFiles(stage Stage, b *seal.Batch) ([]string, error) {
	if err := WriteFile(stage, epochFile, u.Stream.Epoch.JSON()); err != nil {
		return nil, err
	}
	names := append(slices.Clone(b.Names), epochFile)
	if b.Manifest.Start == 0 && len(u.Head) > 0 {
		if err := WriteFile(stage, NoteFile, u.Ordinal.NoteOf().File()); err != nil {
			return nil, err
		}
		names = append(names, NoteFile)
	}
	return names, nil
}

// WriteFile writes a small file into a staging folder of the spool.
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

// EntryOf is the outbox entry of a batch.
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
func (u *cutter) MarkerAt(off int64) (source.Digest, error) {
	if u.File.Compressed() {
		return source.Digest{}, nil
	}
	return u.File.Marker(off)
}

// cutter cuts a range of the source's file, seals its batch into the spool, and enters the batch into the ledger.
type cutter struct {
	*Writer

	reader   *rangeReader // nil until the next cut and after the last one
	Fault    error        // what ended the file before its end
	leftHalf bool         // its last line was not taken
	padded   bool         // it was said that it has padding
	// OpenRecord is where the whole lines of a last record end that lacks its last part; 0 for none.
	OpenRecord int64
	// OnEncoded is called when a batch only has to be made durable: that takes time, but no processor and
	// little memory. Nil for nothing.
	OnEncoded func()
	counts    map[int64]Counts // of the batches in the outbox that this run sealed, by their start
	Known     source.Point     // of the source, with its line; zero for none
}

// uncount takes back what was counted of a batch that this run sealed and nobody ships.
func (u *cutter) uncount(e offsets.Entry) {
	if c, ok := u.counts[e.Range.Start]; ok {
		delete(u.counts, e.Range.Start)
		u.Counters.count(u.Key.Table, c, -1)
	}
}
