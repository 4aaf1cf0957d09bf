package tail

import (
	"context"
	"fmt"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/source"
)

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
	a.Log.Warn("who else has a file's bytes could not be told",
		append(commit.LogSource(w.Key), "path", w.Path, "error", err)...)
	return nil
}

func (a *activeFiles) findTwin(ctx context.Context, w *commit.Writer, prefix string) error {
	keys, err := a.Others(ctx, w.Key, prefix, true)
	if err != nil || len(keys) == 0 {
		return err
	}
	kins, err := a.FirstKin(ctx, keys, tailKinMost)
	if err != nil {
		return err
	}
	file, done, err := a.fileFor(w)
	if err != nil {
		return err
	}
	defer done()
	some, err := w.Matches(ctx, file, kins)
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
	o := a.owners[w.Key]
	var v fileView
	if o != nil {
		v = o.view
	}
	a.mu.Unlock()
	if v.standing != isOwner || v.key != w.Key || v.live == nil {
		return nil, done, nil
	}
	// It does not wait for whoever works on the file: that may wait for what this lets ship.
	file, err = v.live.Snapshot(v.size, false)
	if file != nil {
		done = func() { file.Close() }
	}
	return file, done, err
}

// isTwin tells whether a source says so much that k says, too, that it is no coincidence.
func (a *activeFiles) isTwin(ctx context.Context, w *commit.Writer, file *files.File, k *commit.Kin) (bool, error) {
	k, err := a.StepKin(ctx, k, tailStepMost)
	if err != nil {
		return false, err
	}
	some, err := w.Matches(ctx, file, []*commit.Kin{k})
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
	if o := a.resolver.owner(w.Key); o != nil {
		path = a.pathOf(o)
	}
	a.board.notices.raise(commit.Problem{Kind: commit.Twin, Path: path, Message: fmt.Sprintf("source %s of origin %s has its bytes, too: they are "+
		"in the table twice, under both origins; if it is the same log, give both writers one `origin`, "+
		"and leave out one _sid", other.ID, commit.OriginWord(other))})
}
