package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/files"
	"logseal/ingest/source"
)

// loader brings a heap of files to their end, with the engine of one run.
type loader struct{ *run }

// Load brings every input to its end and returns what it did. With an error it failed or was
// interrupted: the report says how far it came, and running it again goes on there.
func Load(ctx context.Context, cfg Config) (*Report, error) {
	return (&loader{newRun(cfg)}).load(ctx)
}

func (r *loader) load(ctx context.Context) (*Report, error) {
	err := r.start(ctx)
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
		r.judgeRun()
	}
	return &r.tally.r, err
}

// readAll reads the inputs: groups side by side, the files of a group one after the other, since
// each is settled by what is known of those before it.
func (r *loader) readAll(ctx context.Context) error {
	if err := r.findUnsent(); err != nil {
		return err
	}
	groups, err := r.groups(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.inHand)
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
		_, release := r.families.use(g.stream.Table(), g.origin, head)
		defer release()
	}
	var later []extent
	for _, x := range order {
		err := r.readFile(ctx, g, x)
		if leavesUndecided(err) {
			later = append(later, x) // those after it may tell it apart
			continue
		}
		if err := r.orProblem(x.path, err); err != nil {
			return err
		}
	}
	for _, x := range later {
		if err := r.orProblem(x.path, r.readFile(ctx, g, x)); err != nil {
			return err
		}
	}
	return nil
}

func leavesUndecided(err error) bool {
	var stopped *stopError
	return errors.As(err, &stopped) && stopped.Kind == Undecided
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
		if !errors.Is(err, errSettleAgain) {
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
	head, ok, err := f.Head(true, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return fmt.Errorf("read head of %s: %w", x.path, err)
	}
	if !ok || source.KeyOf(g.stream.Table(), g.origin, 0, head) != g.key {
		return stop(Changed, x.path, "another file took its place since it was found; run again to "+
			"look at it anew")
	}
	family, release := r.families.use(g.stream.Table(), g.origin, head)
	defer release()
	w, err := r.settle(ctx, claim{stream: g.stream, origin: g.origin, path: x.path, file: f,
		head: head, family: family, assume: x.assume})
	if err != nil || w == nil {
		return err
	}
	r.pending.clear(w.key)
	r.hopeless.Delete(w.key)
	if err := w.checkTwins(ctx); err != nil {
		return err
	}
	if err := w.finish(ctx); err != nil {
		if isTwin(err) {
			return w.abandon() // then it is told before anything is sealed
		}
		w.hold()
		return err
	}
	if err := w.clearOvertaken(ctx); err != nil {
		return err
	}
	return r.clearBeside(ctx, family)
}

// clearBeside takes batches out of the spool that were sealed under another ordinal of a family, and whose
// bytes the source has that was just read.
func (r *loader) clearBeside(ctx context.Context, f *family) error {
	for _, key := range r.aside.sources() {
		if m, ok := r.families.member(key); !ok || m.family != f {
			continue
		}
		w, ok, err := r.heldSource(key)
		if ok && err == nil {
			err = r.orPending(key, w.clearOvertaken(ctx))
			w.closeOwn()
		}
		if err != nil {
			return err
		}
	}
	_, err := r.releaseHeld(f)
	return err
}

// giveUpHopeless sets apart the sources that no file of this run was, so that others which begin alike
// need not wait for them the next time.
func (r *loader) giveUpHopeless(ctx context.Context) (err error) {
	r.allTold = func() bool { return true }
	r.hopeless.Range(func(key, _ any) bool {
		err = r.giveUp(ctx, key.(source.Key))
		return err == nil
	})
	return err
}

func (r *loader) giveUp(ctx context.Context, key source.Key) error {
	w, ok, err := r.heldSource(key)
	if err != nil || !ok {
		return err
	}
	defer w.closeOwn()
	if len(w.src.Outbox) == 0 {
		r.pending.clear(key)
		return r.orPending(key, asFault(w.src.Path, w.clearOvertaken(ctx)))
	}
	if err = w.needFile(ctx); err == nil {
		return nil // it is back: the next run takes it up
	}
	return r.orPending(key, asFault(w.src.Path, w.setApart(err)))
}

// reportLeft names what waits in the spool for something that this run did not have.
func (r *loader) reportLeft() error {
	for _, p := range r.pending.all() {
		r.tally.problem(p)
	}
	r.dropped.Range(func(path, _ any) bool {
		if _, ok := r.reads.Load(path); !ok {
			r.tally.problem(Problem{Gone, path.(string), "what was sealed of it could not be shipped " +
				"and has to be cut again: give the file to `ingest load`"})
		}
		return true
	})
	for _, m := range r.aside.left() {
		if m.K == 0 && !r.Shard.holds(m.SourceKey()) {
			continue // another shard reads its file
		}
		r.tally.problem(Problem{Kind: Gone, Message: fmt.Sprintf("spool: %v of source %s waits for "+
			"the bytes before it: give their file to `ingest load`", m.Range(), m.SID)})
	}
	held, err := r.heldProblem()
	for _, p := range held {
		r.tally.problem(p)
	}
	return err
}
