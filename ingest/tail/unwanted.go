package tail

import (
	"errors"
	"fmt"
	"io/fs"
	"math"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// skipUnwanted declares what a file held when the tail was first started as not wanted, where the
// stream begins at the end of its files. Those bytes are hashed and not parsed, so the source goes on
// after them with its chain whole. Group and file are locked.
func (l *losses) skipUnwanted(f *logFile, c *commit.Claim) error {
	if f.first == 0 || !l.isFresh(f.stream()) {
		return nil
	}
	chain, err := unwantedChain(l.Tail, c.File, f.first)
	if err != nil || chain == nil || chain.Offset() == 0 {
		return err
	}
	w, end := f.w, chain.Point()
	if end.Offset < w.Ordinal.Reach {
		return nil // it would not tell the source apart: then all of the file is read
	}
	start := source.Origin()
	loss := &table.Loss{
		Format: table.Format, Stream: w.Key.Table.Stream, Version: w.Key.Table.Version,
		Origin: w.Key.Origin, SID: w.Key.ID, K: w.K, Kind: table.Lost, End: &end.Offset,
		Reason: table.NotWanted, ChainIn: start.Chain, ChainOut: &end.Chain, ChainState: &end.State,
		Marks: chain.Marks(0, end.Offset),
	}
	if err := l.RetryWhileDiskFull(l.ctx, func() error { return l.sealLoss(w, loss, end) }); err != nil {
		return err
	}
	l.board.countLoss(w.Key.Table.Stream, table.NotWanted, end.Offset)
	l.Log.Info("what the file held is not wanted", append(commit.LogSource(w.Key), "path", c.Path,
		"to", end.Offset)...)
	return nil
}

func (l *losses) isFresh(s *stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.StartAtEnd && l.scanner.fresh[s.Table()]
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
func (l *losses) sealLoss(w *commit.Writer, loss *table.Loss, end source.Point) error {
	m, body := commit.RecordOfLoss(loss).Manifest, loss.JSON()
	release, err := l.Spool.Reserve(l.ctx, int64(len(body)))
	if err != nil {
		return err
	}
	defer release()
	stage, err := l.Spool.Stage()
	if err != nil {
		return err
	}
	defer stage.Abort()
	if err := commit.WriteFile(stage, commit.NoteFile, w.Ordinal.NoteOf().File()); err != nil {
		return err
	}
	if err := stage.Commit(commit.EntryOf(m).Spool, []string{commit.NoteFile}, body); err != nil {
		return fmt.Errorf("seal a loss of source %s: %w", w.Key.ID, err)
	}
	// Here the loss is durable in the spool. If we die now, the next start finds that it chains on
	// to the sealed offset and takes it from there.
	return w.Update(func(s *offsets.Source) error {
		commit.AppendBatch(s, m, end)
		s.Path, s.File = w.Path, w.State
		return nil
	})
}

// reasonFor looks at the path where a missing source was last seen: "" says that its file is still
// there and only no longer followed.
func (l *losses) reasonFor(key source.Key, m *missingSource) (table.LossReason, error) {
	if m.reason == table.Truncated {
		return m.reason, nil
	}
	if m.seen.Path == "" {
		return table.Deleted, nil
	}
	f, err := files.Open(l.FS, m.seen.Path)
	var other *files.NotRegularError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &other) || errors.As(err, new(*files.LinkError)) {
		return table.Deleted, nil
	}
	if errors.As(err, new(*files.UnsupportedError)) {
		return l.reasonForOther(m)
	}
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.seen.Path, err)
	}
	defer f.Close()
	stat := f.Stat()
	src, ok, err := l.Ledger.Get(key)
	switch {
	case stat.Dev != m.seen.File.Dev || stat.Inode != m.seen.File.Inode:
		return table.Deleted, nil
	case err != nil:
		return "", err
	case !f.Compressed() && stat.Size < m.seen.Sealed:
		return table.Truncated, nil
	case commit.StateOf(stat) == m.seen.File && (f.Compressed() || !ok):
		return "", nil
	case f.Compressed(), !ok && stat.Size < m.atLeast:
		return table.Truncated, nil
	case !ok:
		return "", nil
	}
	// What was sealed last may have been in memory, and the file another by then.
	same, err := commit.HasSealed(l.ctx, f, src)
	if errors.As(err, new(*files.ShrunkError)) {
		return table.Truncated, nil
	}
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", m.seen.Path, err)
	}
	if !same {
		return table.Truncated, nil
	}
	return "", nil
}

// reasonForOther is reasonFor where the path has a file that is not read as a log: no source was ever
// read of that, unless it is the very file.
func (l *losses) reasonForOther(m *missingSource) (table.LossReason, error) {
	stat, err := l.FS.Stat(m.seen.Path)
	switch {
	case err != nil:
		return "", fmt.Errorf("look at %s: %w", m.seen.Path, err)
	case stat.Dev != m.seen.File.Dev || stat.Inode != m.seen.File.Inode:
		return table.Deleted, nil
	case commit.StateOf(stat) == m.seen.File:
		return "", nil
	}
	return table.Truncated, nil
}
