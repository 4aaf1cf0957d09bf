package tail

import (
	"context"
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
func (a *activeFiles) holdIfAnother(f *logFile) (held bool, err error) {
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

// isAnother reports whether the ledger has the source of a truncated file go on with other bytes than the file
// had. It is taken to where the ledger has more than memory and no point in common with that. It is not where
// the source was set back, for then it is sealed again, nor where memory lacks what would tell: then nothing can
// be sealed from it in any case. f.mu is held.
func (a *activeFiles) isAnother(f *logFile) (bool, error) {
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
func (a *activeFiles) holdMemory(f *logFile) error {
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
	if err := w.Orphans.SealHeld(a.ctx); err != nil {
		return err
	}
	// Here the bytes are held. If we die before the ledger forgets that they were seen, they are declared, too.
	if err := a.scanner.forgetNoted(f, a.scanner.notedOf(f)); err != nil {
		return err
	}
	a.Log.Warn("a file was truncated whose source is another log; what is left of it is kept in spool/held",
		append(commit.LogSource(w.Key), "path", path, "from", f.at.Offset, "to", taken)...)
	if f.hadMore() {
		a.board.countLoss(w.Key.Table.Stream, table.Truncated, f.lastSize-taken)
		a.Log.Error("bytes are lost: nobody can read them any more", append(commit.LogSource(w.Key), "path", path,
			"from", taken, "at_least_to", f.lastSize, "reason", string(table.Truncated))...)
	}
	return nil
}

const (
	// A tail asks for so many first manifests of others for one source, and of those that agree for so
	// many manifests: nothing but a notice hangs on it, and of one image there may be thousands of pods.
	tailKinMost  = 16
	tailStepMost = 16
	// twinLeast is up to where two have to be known to say the same: the first mark.
	twinLeast = 64
	// twinSure is up to where no two logs say the same by chance.
	twinSure = 4 << 10
)

// tellTwins is what a tail does about those that begin alike: it goes on, since no byte is to go
// unread, and says so.
func (a *activeFiles) tellTwins(ctx context.Context, w *commit.Writer, prefix string) error {
	err := a.findTwin(ctx, w, prefix)
	if err == nil || mayPass(err) || ctx.Err() != nil || fatal(err) {
		return err
	}
	a.Log.Warn("cannot tell which other sources have a file's bytes",
		append(commit.LogSource(w.Key), "path", w.Path, "error", err)...)
	return nil
}

func (a *activeFiles) findTwin(ctx context.Context, w *commit.Writer, prefix string) error {
	keys, err := a.Announcer.Others(ctx, w.Key, prefix, true)
	if err != nil || len(keys) == 0 {
		return err
	}
	kins, err := a.Announcer.FirstKin(ctx, keys, tailKinMost)
	if err != nil {
		return err
	}
	file, done, err := a.fileFor(w)
	if err != nil {
		return err
	}
	defer done()
	some, err := w.Ordinal.Matches(ctx, file, kins)
	if err != nil {
		return err
	}
	for _, m := range some {
		if len(m.Ends) == 0 {
			continue // what begins after us finds us
		}
		twin, err := a.isTwin(ctx, w, file, m.Kin)
		if err != nil {
			return err
		}
		if twin {
			a.raiseTwin(w, m.Key)
			return nil
		}
	}
	return nil
}

// fileFor gives what there is of a source's file, nil for nothing.
func (a *activeFiles) fileFor(w *commit.Writer) (file *files.File, done func(), err error) {
	done = func() {}
	if w.File != nil {
		return w.File, done, nil
	}
	a.mu.Lock()
	o := a.bySource[w.Key]
	var v fileView
	if o != nil {
		v = o.view
	}
	a.mu.Unlock()
	if v.state != isActive || v.key != w.Key || v.live == nil {
		return nil, done, nil
	}
	// It does not wait for whoever works on the file: that may wait for what this lets ship.
	file, err = v.live.Snapshot(v.size, false)
	if file != nil {
		done = func() { file.Close() }
	}
	return file, done, err
}

// isTwin reports whether a source says so much that k says, too, that it is no coincidence.
func (a *activeFiles) isTwin(ctx context.Context, w *commit.Writer, file *files.File, k *commit.Kin) (bool, error) {
	k, err := a.Announcer.StepKin(ctx, k, tailStepMost)
	if err != nil {
		return false, err
	}
	some, err := w.Ordinal.Matches(ctx, file, []*commit.Kin{k})
	if err != nil || len(some) == 0 {
		return false, err
	}
	src, ok, err := a.Ledger.Get(w.Key)
	if err != nil {
		return false, err
	}
	agrees := some[0].Agrees
	return agrees >= twinSure || agrees >= twinLeast &&
		(agrees == k.Committed() || ok && agrees == src.Sealed.Offset), nil
}

func (a *activeFiles) raiseTwin(w *commit.Writer, other source.Key) {
	path := w.Path
	if o := a.resolver.activeFile(w.Key); o != nil {
		path = a.pathOf(o)
	}
	a.board.problems.raise(commit.Problem{Kind: commit.Twin, Path: path, Message: fmt.Sprintf("source %s of origin %s has its bytes, too: they are "+
		"in the table twice, under both origins; if it is the same log, give both writers one `origin`, "+
		"and leave out one _sid", other.ID, commit.OriginWord(other))})
}
