package pipeline

import (
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// skipUnwanted declares what a file held when the tail was first started as not wanted, where the
// stream begins at the end of its files. Those bytes are hashed and not parsed, so the source goes on
// after them with its chain whole. Group and file are locked.
func (t *Tail) skipUnwanted(f *followed, c *claim) error {
	if f.first == 0 || !t.isFresh(f.stream()) {
		return nil
	}
	end, err := unwantedEnd(t, c.file, f.first)
	if err != nil || end.Offset == 0 {
		return err
	}
	w := f.w
	start := source.Origin()
	loss := &seal.Loss{
		Format: seal.Format, Stream: w.key.Table.Stream, Version: w.key.Table.Version,
		Origin: w.key.Origin, SID: w.key.ID, K: w.k, Kind: seal.Lost, End: &end.Offset,
		Reason: seal.NotWanted, ChainIn: start.Chain, ChainOut: &end.Chain, ChainState: &end.State,
	}
	if err := t.whenThereIsRoom(t.ctx, func() error { return t.sealLoss(w, loss, end) }); err != nil {
		return err
	}
	t.countLoss(w.key.Table.Stream, seal.NotWanted, end.Offset)
	t.Log.Info("what the file held is not wanted", append(logSource(w.key), "path", c.path,
		"to", end.Offset)...)
	return nil
}

func (t *Tail) isFresh(s *tailStream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return s.StartAtEnd && t.fresh[s.Table()]
}

// unwantedEnd is where what a file held at first ends: at its last line end then. A compressed file
// that has changed since is wanted whole.
func unwantedEnd(t *Tail, f *files.File, first int64) (source.Point, error) {
	if f.Compressed() {
		if f.Stat().Size != first {
			return source.Point{}, nil
		}
		_, end, err := f.Marks(t.ctx, nil)
		return end, err
	}
	off, err := f.LastLineEnd(first)
	if err != nil {
		return source.Point{}, err
	}
	marks, _, err := f.MarksTo(t.ctx, []int64{off})
	return marks[off], err
}

// sealLoss makes a loss durable in the spool and advances the sealed offset over it, as if it were a
// batch.
func (t *Tail) sealLoss(w *work, loss *seal.Loss, end source.Point) error {
	m, body := placedLoss(loss).Manifest, loss.JSON()
	release, err := t.Spool.Reserve(t.ctx, int64(len(body)))
	if err != nil {
		return err
	}
	defer release()
	stage, err := t.Spool.Stage()
	if err != nil {
		return err
	}
	defer stage.Abort()
	e := entryOf(m)
	if err := stage.Commit(e.Spool, nil, body); err != nil {
		return fmt.Errorf("seal a loss of source %s: %w", w.key.ID, err)
	}
	// Here the loss is durable in the spool. If we die now, the next start finds that it chains on
	// to the sealed offset and takes it from there.
	return w.update(func(s *offsets.Source) error {
		appendBatch(s, e, end)
		s.Path, s.File = w.path, w.state
		return nil
	})
}
