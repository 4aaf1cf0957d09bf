package pipeline

import (
	"fmt"
	"math"

	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// skipUnwanted declares what a file held when the tail was first started as not wanted, where the
// stream begins at the end of its files. Those bytes are hashed and not parsed, so the source goes on
// after them with its chain whole. Group and file are locked.
func (t *Tail) skipUnwanted(f *followed, c *claim) error {
	if f.first == 0 || !t.isFresh(f.stream()) {
		return nil
	}
	chain, err := unwantedChain(t, c.file, f.first)
	if err != nil || chain == nil || chain.Offset() == 0 {
		return err
	}
	w, end := f.w, chain.Point()
	if end.Offset < w.reach {
		return nil // it would not tell the source apart: then all of the file is read
	}
	start := source.Origin()
	loss := &table.Loss{
		Format: table.Format, Stream: w.key.Table.Stream, Version: w.key.Table.Version,
		Origin: w.key.Origin, SID: w.key.ID, K: w.k, Kind: table.Lost, End: &end.Offset,
		Reason: table.NotWanted, ChainIn: start.Chain, ChainOut: &end.Chain, ChainState: &end.State,
		Marks: chain.Marks(0, end.Offset),
	}
	if err := t.whenThereIsRoom(t.ctx, func() error { return t.sealLoss(w, loss, end) }); err != nil {
		return err
	}
	t.countLoss(w.key.Table.Stream, table.NotWanted, end.Offset)
	t.Log.Info("what the file held is not wanted", append(logSource(w.key), "path", c.path,
		"to", end.Offset)...)
	return nil
}

func (t *Tail) isFresh(s *tailStream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return s.StartAtEnd && t.fresh[s.Table()]
}

// unwantedChain is the chain of what a file held at first, up to its last line end then; nil for
// nothing. A compressed file that has changed since is wanted whole.
func unwantedChain(t *Tail, f *files.File, first int64) (*source.Chain, error) {
	if f.Compressed() {
		if f.Stat().Size != first {
			return nil, nil
		}
		return f.ChainTo(t.ctx, math.MaxInt64)
	}
	off, err := f.LastLineEnd(first)
	if err != nil {
		return nil, err
	}
	chain, err := f.ChainTo(t.ctx, off)
	if err == nil && chain.Offset() < off {
		return nil, nil
	}
	return chain, err
}

// sealLoss makes a loss of a source's first bytes durable in the spool and advances the sealed offset
// over it, as if it were a batch.
func (t *Tail) sealLoss(w *work, loss *table.Loss, end source.Point) error {
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
	if err := writeFile(stage, noteFile, w.noteOf().file()); err != nil {
		return err
	}
	if err := stage.Commit(entryOf(m).Spool, []string{noteFile}, body); err != nil {
		return fmt.Errorf("seal a loss of source %s: %w", w.key.ID, err)
	}
	// Here the loss is durable in the spool. If we die now, the next start finds that it chains on
	// to the sealed offset and takes it from there.
	return w.update(func(s *offsets.Source) error {
		appendBatch(s, m, end)
		s.Path, s.File = w.path, w.state
		return nil
	})
}
