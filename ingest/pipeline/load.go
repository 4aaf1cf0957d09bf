package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/files"
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
	reads     sync.Map // paths of the files that this run reads
	dropped   sync.Map // paths of the files whose batches were dropped to be cut anew

	// notice and sealedBatch are told of problems and of batches; nil for none.
	notice      func(Problem)
	sealedBatch func(*work, Counts)
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
	return &run{
		Config: cfg, sealer: seal.Seal, putsAtOnce: putsAtOnce, getsAtOnce: getsAtOnce,
		inHand: cfg.Workers + shippedAtOnce, turns: make(chan struct{}, cfg.Workers),
		shipBehind: true,
	}
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
		r.reportLeft()
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
	for _, x := range order {
		if err := r.orProblem(x.path, r.readFile(ctx, g, x)); err != nil {
			return err
		}
	}
	return nil
}

// orProblem makes a problem of an error that is of one file or source alone.
func (r *run) orProblem(path string, err error) error {
	var stopped *stopError
	if err = asFault(path, err); errors.As(err, &stopped) {
		r.tally.problem(stopped.Problem)
		return nil
	}
	return err
}

// settlesMax bounds how often one file may turn out to be another source in one run: each time
// another writer must have won a place meanwhile.
const settlesMax = 1000

func (r *run) readFile(ctx context.Context, g *group, x extent) error {
	for range settlesMax {
		err := r.readOnce(ctx, g, x)
		if !errors.Is(err, errSettleAgain) {
			return err
		}
	}
	return fmt.Errorf("settle %s: it was another source %d times; stop the other writers",
		x.path, settlesMax)
}

func (r *run) readOnce(ctx context.Context, g *group, x extent) error {
	f, err := files.Open(r.FS, x.path)
	if err != nil {
		return fmt.Errorf("open %s: %w", x.path, err)
	}
	defer f.Close()
	head, ok, err := f.Head(true, nil)
	if err != nil && !errors.As(err, new(*files.CorruptError)) {
		return fmt.Errorf("read head of %s: %w", x.path, err)
	}
	if !ok || keyOf(g.stream.Table(), g.origin, 0, head) != g.key {
		return stop(Changed, x.path, "another file took its place since it was found; run again to "+
			"look at it anew")
	}
	w, err := r.settle(ctx, claim{
		stream: g.stream, origin: g.origin, path: x.path, file: f, head: head, assume: x.assume,
	})
	if err != nil || w == nil {
		return err
	}
	r.pending.clear(w.key)
	if err := w.finish(ctx); err != nil {
		w.hold()
		return err
	}
	return r.clearOvertaken(ctx, w.key, w.src.Shipped)
}

// reportLeft names what waits in the spool for something that this run did not have.
func (r *run) reportLeft() {
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
