package load

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/source"
)

// loader brings a heap of files to their end, with the engine of one run.
type loader struct{ *commit.Engine }

// Load brings every input to its end and returns what it did. With an error it failed or was
// interrupted: the report says how far it came, and running it again goes on there.
func Load(ctx context.Context, cfg commit.Config) (*commit.Report, error) {
	return (&loader{commit.NewEngine(cfg)}).load(ctx)
}

func (r *loader) load(ctx context.Context) (*commit.Report, error) {
	err := r.Start(ctx)
	if err == nil {
		err = r.readAll(ctx)
	}
	if err == nil {
		err = r.giveUpHopeless(ctx)
	}
	if err == nil {
		err = r.reportLeft()
	}
	if err == nil {
		r.JudgeRun()
	}
	return &r.Counters.Report, err
}

// readAll reads the inputs: groups side by side, the files of a group one after the other, since
// each is settled by what is known of those before it.
func (r *loader) readAll(ctx context.Context) error {
	if err := r.Recovery.FindUnsent(); err != nil {
		return err
	}
	groups, err := r.groups(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.InHand)
	for _, group := range groups {
		g.Go(func() error { return r.readGroup(ctx, group) })
	}
	return g.Wait()
}

func (r *loader) readGroup(ctx context.Context, g *group) error {
	order, err := r.order(ctx, g)
	if err != nil {
		return err
	}
	if head, ok, err := r.headOf(g.paths[0]); err == nil && ok {
		// What is learnt of the family is kept from file to file.
		_, release := r.Sources.Families.Use(g.stream.Table(), g.origin, head)
		defer release()
	}
	var later []extent
	for _, x := range order {
		err := r.readFile(ctx, g, x)
		if leavesUndecided(err) {
			later = append(later, x) // those after it may tell it apart
			continue
		}
		if err := r.OrProblem(x.path, err); err != nil {
			return err
		}
	}
	for _, x := range later {
		if err := r.OrProblem(x.path, r.readFile(ctx, g, x)); err != nil {
			return err
		}
	}
	return nil
}

func leavesUndecided(err error) bool {
	var stopped *commit.StopError
	return errors.As(err, &stopped) && stopped.Kind == commit.Undecided
}

// settlesMax bounds how often one file may turn out to be another source in one run: each time another
// writer has won a place meanwhile, or an ordinal came free.
const settlesMax = 1000

func (r *loader) readFile(ctx context.Context, g *group, x extent) error {
	var f *files.File
	defer func() {
		if f != nil {
			f.Close()
		}
	}()
	for range settlesMax {
		now, err := r.open(x.path)
		switch {
		case err == nil:
			if f != nil {
				f.Close()
			}
			f = now
		case f == nil || !errors.Is(err, fs.ErrNotExist):
			return err
		}
		// If the file is gone since, it is still open: what was sealed of it and given up is cut again.
		err = r.readOnce(ctx, g, x, f)
		if !errors.Is(err, commit.ErrSettleAgain) {
			return err
		}
	}
	return fmt.Errorf("settle %s: it was another source %d times; stop the other writers",
		x.path, settlesMax)
}

// open opens a file that is to be read.
func (r *loader) open(path string) (*files.File, error) {
	f, err := files.Open(r.FS, path)
	if err == nil && r.Whole {
		f.AssumeWhole()
	}
	return f, err
}

func (r *loader) readOnce(ctx context.Context, g *group, x extent, f *files.File) error {
	head, ok, err := f.Head(true)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return fmt.Errorf("read head of %s: %w", x.path, err)
	}
	if !ok || source.KeyOf(g.stream.Table(), g.origin, 0, head) != g.key {
		return commit.Stop(commit.Changed, x.path, "another file took its place after it was found; run again to "+
			"read it as it is now")
	}
	family, release := r.Sources.Families.Use(g.stream.Table(), g.origin, head)
	defer release()
	w, err := r.settle(ctx, commit.Claim{Stream: g.stream, Origin: g.origin, Path: x.path, File: f,
		Head: head, Family: family, Assume: x.assume})
	if err != nil || w == nil {
		return err
	}
	r.Pending.Clear(w.Key)
	r.Hopeless.Delete(w.Key)
	if err := w.Ordinal.CheckTwins(ctx); err != nil {
		return err
	}
	if err := w.Finish(ctx); err != nil {
		if commit.IsTwin(err) {
			return w.Abandon() // then it is told before anything is sealed
		}
		w.Hold()
		return err
	}
	if err := w.Orphans.ClearOvertaken(ctx); err != nil {
		return err
	}
	return r.clearBeside(ctx, family)
}

// clearBeside takes batches out of the spool that were sealed under another ordinal of a family, and whose
// bytes the source has that was just read.
func (r *loader) clearBeside(ctx context.Context, f *commit.Family) error {
	for _, key := range r.OrphanBatches.Sources() {
		if m, ok := r.Sources.Families.Member(key); !ok || m.Family != f {
			continue
		}
		w, ok, err := r.HeldSource(key)
		if ok && err == nil {
			err = r.OrPending(key, w.Orphans.ClearOvertaken(ctx))
			w.CloseOwn()
		}
		if err != nil {
			return err
		}
	}
	_, err := r.ReleaseHeld(f)
	return err
}

// giveUpHopeless sets apart the sources that no file of this run was, so that others which begin alike
// need not wait for them the next time.
func (r *loader) giveUpHopeless(ctx context.Context) (err error) {
	r.AllTold = func() bool { return true }
	r.Hopeless.Range(func(key, _ any) bool {
		err = r.giveUp(ctx, key.(source.Key))
		return err == nil
	})
	return err
}

func (r *loader) giveUp(ctx context.Context, key source.Key) error {
	w, ok, err := r.HeldSource(key)
	if err != nil || !ok {
		return err
	}
	defer w.CloseOwn()
	if len(w.Src.Outbox) == 0 {
		r.Pending.Clear(key)
		return r.OrPending(key, commit.AsFault(w.Src.Path, w.Orphans.ClearOvertaken(ctx)))
	}
	if err = w.NeedFile(ctx); err == nil {
		return nil // it is back: the next run takes it up
	}
	return r.OrPending(key, commit.AsFault(w.Src.Path, w.Orphans.SetApart(err)))
}

// reportLeft names what waits in the spool for something that this run did not have.
func (r *loader) reportLeft() error {
	for _, p := range r.Pending.All() {
		r.Counters.Problem(p)
	}
	r.DroppedPaths.Range(func(path, _ any) bool {
		if _, ok := r.ReadPaths.Load(path); !ok {
			r.Counters.Problem(commit.Problem{Kind: commit.Gone, Path: path.(string), Message: "what was sealed of it could not be shipped " +
				"and has to be cut again: give the file to `ingest load`"})
		}
		return true
	})
	for _, m := range r.OrphanBatches.Left() {
		if m.K == 0 && !r.Shard.Holds(m.SourceKey()) {
			continue // another shard reads its file
		}
		r.Counters.Problem(commit.Problem{Kind: commit.Gone, Message: fmt.Sprintf("spool: %v of source %s waits for "+
			"the bytes before it: give their file to `ingest load`", m.Range(), m.SID)})
	}
	held, err := r.HeldProblem()
	for _, p := range held {
		r.Counters.Problem(p)
	}
	return err
}
