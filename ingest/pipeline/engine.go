package pipeline

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"

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
