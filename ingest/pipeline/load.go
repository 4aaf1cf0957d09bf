package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// run is one run of the pipeline. What its workers share is under a lock of its own.
type run struct {
	Config
	sealer     func(seal.Input, seal.Chunks, seal.Files) (*seal.Batch, error)
	putsAtOnce int
	getsAtOnce int
	inHand     int           // how many sources may be in hand at once
	turns      chan struct{} // holds one for each source that is being cut
	shipBehind bool          // ship a source's batches while the next ones are cut

	streamsMu sync.RWMutex // guards Streams once a tail runs

	leftovers leftovers // read only once the workers start
	tally     tally
	epochs    sync.Map // keys of the epochs that this run has put
	aside     aside
	pending   pending
	unsent    unsent
	families  *families
	reads     sync.Map // paths of the files that this run reads
	dropped   sync.Map // paths of the files whose batches were dropped to be cut anew
	hopeless  sync.Map // keys of sources that only a file which is gone could tell apart
	herald    herald
	listMost  int // how many sources with one head are looked at

	// reading reports whether a file is read as a source, of which the ledger may have nothing yet; nil
	// for never.
	reading func(source.Key) bool
	// notice and sealedBatch are told of problems and of batches; nil for none.
	notice      func(Problem)
	sealedBatch func(*work, Counts)
	// seen gives what is known of a source that is missing and of which nothing is sealed; nil for none.
	seen func(source.Key) (identity.Points, bool)
	// giveUpID is told of a source of the ledger that turns out not to be what the sink has under its id.
	giveUpID func(context.Context, source.Key) error
	// setsApart is told of a source of which batches were set apart; nil for nobody.
	setsApart func(source.Key)
	// allTold reports whether all files that there are were told which source they are.
	allTold func() bool
	// outboxGrew is told of each source that has more to ship; nil for none.
	outboxGrew func(source.Key)
	// meet looks at who else begins with the head of a source, which is announced and of which nothing
	// was shipped: prefix begins their notes. Its error holds the source back.
	meet func(ctx context.Context, w *work, prefix string) error
	// pausing is told that something waits, and gives what to call when it does no longer.
	pausing func(why string) (end func())
}

// shippedAtOnce is how many sources may be in hand besides those that are being cut: they wait for
// the sink. Each takes a file handle and, while its file is settled, a buffer.
const shippedAtOnce = 16

func newRun(cfg Config) *run {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Program = cmp.Or(cfg.Program, "unknown")
	fs := &families{}
	cfg.Ledger = book{cfg.Ledger, fs}
	r := &run{
		Config: cfg, families: fs, meet: refuseTwins, allTold: func() bool { return false }, listMost: listingMax,
		sealer: seal.Seal, putsAtOnce: putsAtOnce, getsAtOnce: getsAtOnce,
		inHand: cfg.Workers + shippedAtOnce, turns: make(chan struct{}, cfg.Workers),
		shipBehind: true,
	}
	r.giveUpID = r.makeWay
	return r
}

// Load brings every input to its end and returns what it did. With an error it failed or was
// interrupted: the report says how far it came, and running it again goes on there.
func Load(ctx context.Context, cfg Config) (*Report, error) {
	return newRun(cfg).load(ctx)
}

func (r *run) load(ctx context.Context) (*Report, error) {
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

// start brings ledger, spool and bucket to where they agree. It is the same after a crash, a lost
// ledger or a quiet night.
func (r *run) start(ctx context.Context) error {
	if err := r.openTable(ctx); err != nil {
		return err
	}
	for i := range r.Streams {
		if err := r.checkEpochs(ctx, &r.Streams[i]); err != nil {
			return err
		}
	}
	if r.Ledger.Empty() {
		found, err := r.findLeftovers(ctx)
		if err != nil {
			return err
		}
		r.leftovers = found
	}
	if err := r.recoverSpool(ctx); err != nil {
		return err
	}
	return r.shipWaiting(ctx)
}

// readAll reads the inputs: groups side by side, the files of a group one after the other, since
// each is settled by what is known of those before it.
func (r *run) readAll(ctx context.Context) error {
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

func (r *run) readGroup(ctx context.Context, g *group) error {
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

// wasSeen reports whether the file of a source of which nothing is sealed was seen and is missing, with
// what is known of its content.
func (r *run) wasSeen(key source.Key) (identity.Points, bool) {
	if r.seen == nil {
		return nil, false
	}
	return r.seen(key)
}

// isRead reports whether a file is read as the source just now.
func (r *run) isRead(key source.Key) bool { return r.reading != nil && r.reading(key) }

// orProblem makes a problem of an error that is of one file or source alone.
func (r *run) orProblem(path string, err error) error {
	var stopped *stopError
	if err = asFault(path, err); errors.As(err, &stopped) {
		r.tally.problem(stopped.Problem)
		return nil
	}
	return err
}

// settlesMax bounds how often one file may turn out to be another source in one run: each time another
// writer has won a place meanwhile, or an ordinal came free.
const settlesMax = 1000

func (r *run) readFile(ctx context.Context, g *group, x extent) error {
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
func (r *run) open(path string) (*files.File, error) {
	f, err := files.Open(r.FS, path)
	if err == nil && r.Whole {
		f.AssumeWhole()
	}
	return f, err
}

func (r *run) readOnce(ctx context.Context, g *group, x extent, f *files.File) error {
	head, ok, err := f.Head(true, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return fmt.Errorf("read head of %s: %w", x.path, err)
	}
	if !ok || keyOf(g.stream.Table(), g.origin, 0, head) != g.key {
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
func (r *run) clearBeside(ctx context.Context, f *family) error {
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
func (r *run) giveUpHopeless(ctx context.Context) (err error) {
	r.allTold = func() bool { return true }
	r.hopeless.Range(func(key, _ any) bool {
		err = r.giveUp(ctx, key.(source.Key))
		return err == nil
	})
	return err
}

func (r *run) giveUp(ctx context.Context, key source.Key) error {
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
func (r *run) reportLeft() error {
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

// pending holds why sources could not ship what waits, until their files turn up.
type pending struct {
	mu sync.Mutex
	by map[source.Key]Problem
}

func (p *pending) set(key source.Key, problem Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[source.Key]Problem{}
	}
	p.by[key] = problem
}

func (p *pending) clear(key source.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, key)
}

func (p *pending) all() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Problem
	for _, problem := range p.by {
		all = append(all, problem)
	}
	return all
}
