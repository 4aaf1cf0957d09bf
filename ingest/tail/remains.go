package tail

import (
	"errors"
	"fmt"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Of a truncated file memory is all there is. Its source may turn out to be another log, which another writer
// has committed and which only begins like it: then nothing more can be sealed of the file as that source, and
// nobody can tell whether the sink has its bytes. So they are held.

// holdIfAnother holds what is left of a truncated file whose source is another log, and lets the file go. f.mu is
// held.
func (a *activeFiles) holdIfAnother(f *followed) (held bool, err error) {
	if f.w == nil || !f.cut {
		return false, nil
	}
	another, err := a.isAnother(f)
	if err != nil || !another {
		return false, err
	}
	if err := a.holdMemory(f); err != nil {
		return false, err
	}
	a.follower.letGo(f)
	return true, nil
}

// isAnother tells whether the ledger has the source of a truncated file go on with other bytes than the file
// had. It is taken to where the ledger has more than memory and no point in common with that. It is not where
// the source was set back, for then it is sealed again, nor where memory lacks what would tell: then nothing can
// be sealed from it in any case. f.mu is held.
func (a *activeFiles) isAnother(f *followed) (bool, error) {
	taken := f.live.Taken()
	ends, err := a.Ledger.Ends(f.w.Key)
	if err != nil || taken <= f.at.Offset {
		return false, err
	}
	if sealed := f.w.Src.Sealed; sealed.Offset <= taken {
		ends = append(ends, source.Mark{Offset: sealed.Offset, Chain: sealed.Chain})
	}
	view, err := f.live.Snapshot(taken, false)
	if err != nil {
		return false, err
	}
	defer view.Close()
	told := f.w.Src.Sealed.Offset < f.at.Offset // it is sealed again
	for _, e := range ends {
		if e.Offset < f.at.Offset || e.Offset > taken {
			continue
		}
		p, err := view.PointFrom(a.ctx, f.at, e.Offset)
		if errors.As(err, new(*files.ShrunkError)) {
			return false, nil // that is not in memory
		}
		if err != nil || p.Chain != e.Chain {
			return err == nil, err
		}
		told = told || e.Offset >= min(taken, f.w.Src.Sealed.Offset)
	}
	return !told, nil
}

// holdMemory holds what memory has of a truncated file behind what was sealed of it. f.mu is held.
func (a *activeFiles) holdMemory(f *followed) error {
	taken, path := f.live.Taken(), f.live.Path()
	view, err := f.live.Snapshot(taken, !f.hadMore())
	if err != nil {
		return err
	}
	defer view.Close()
	c := commit.Claim{Stream: f.w.Stream, Origin: f.w.Key.Origin, Path: path, File: view, Head: f.w.Head}
	w := a.NewWriter(c, f.w.K, &offsets.Source{K: f.w.K, Sealed: f.at})
	if w.Key != f.w.Key {
		return fmt.Errorf("hold what is left of %s: its head is that of source %s and not of %s", path, w.Key.ID, f.w.Key.ID)
	}
	if err := w.SealHeld(a.ctx); err != nil {
		return err
	}
	// Here the bytes are held. If we die before the ledger forgets that they were seen, they are declared, too.
	if err := a.scanner.forgetNoted(f, a.scanner.notedOf(f)); err != nil {
		return err
	}
	a.Log.Warn("a file was truncated whose source is another log; what is left of it is kept in spool/held",
		append(commit.LogSource(w.Key), "path", path, "from", f.at.Offset, "to", taken)...)
	if f.hadMore() {
		a.accounts.countLoss(w.Key.Table.Stream, table.Truncated, f.lastSize-taken)
		a.Log.Error("bytes are lost: nobody can read them any more", append(commit.LogSource(w.Key), "path", path,
			"from", taken, "at_least_to", f.lastSize, "reason", string(table.Truncated))...)
	}
	return nil
}
