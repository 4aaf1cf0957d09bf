package commit

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

// Engine is one run. What its workers share is under a lock of its own.
type Engine struct {
	Config
	Sealer     func(seal.Input, seal.Chunks, seal.Files) (*seal.Batch, error)
	PutsAtOnce int
	GetsAtOnce int
	InHand     int           // how many sources may be in hand at once
	turns      chan struct{} // holds one for each source that is being cut
	ShipBehind bool          // ship a source's batches while the next ones are cut

	streamsMu sync.RWMutex // guards Streams once a tail runs

	Leftovers    leftovers // read only once the workers start
	Tally        tally
	epochs       sync.Map // keys of the epochs that this run has put
	Aside        aside
	Pending      pending
	unsent       unsent
	Families     *families
	ReadPaths    sync.Map // paths of the files that this run reads
	DroppedPaths sync.Map // paths of the files whose batches were dropped to be cut anew
	Hopeless     sync.Map // keys of sources that only a file which is gone could tell apart
	herald       herald
	ListMost     int // how many sources with one head are looked at

	// reading reports whether a file is read as a source, of which the ledger may have nothing yet; nil
	// for never.
	Reading func(source.Key) bool
	// notice and sealedBatch are told of problems and of batches; nil for none.
	Notice      func(Problem)
	SealedBatch func(*Writer, Counts)
	// seen gives what is known of a source that is missing and of which nothing is sealed; nil for none.
	Seen func(source.Key) (identity.Points, bool)
	// giveUpID is told of a source of the ledger that turns out not to be what the sink has under its id.
	GiveUpID func(context.Context, source.Key) error
	// setsApart is told of a source of which batches were set apart; nil for nobody.
	SetsApart func(source.Key)
	// allTold reports whether all files that there are were told which source they are.
	AllTold func() bool
	// outboxGrew is told of each source that has more to ship; nil for none.
	OutboxGrew func(source.Key)
	// meet looks at who else begins with the head of a source, which is announced and of which nothing
	// was shipped: prefix begins their notes. Its error holds the source back.
	Meet func(ctx context.Context, w *Writer, prefix string) error
	// pausing is told that something waits, and gives what to call when it does no longer.
	Pausing func(why string) (end func())
}

// ShippedAtOnce is how many sources may be in hand besides those that are being cut: they wait for
// the sink. Each takes a file handle and, while its file is settled, a buffer.
const ShippedAtOnce = 16

func NewEngine(cfg Config) *Engine {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Program = cmp.Or(cfg.Program, "unknown")
	fs := &families{}
	cfg.Ledger = book{cfg.Ledger, fs}
	r := &Engine{
		Config: cfg, Families: fs, Meet: refuseTwins, AllTold: func() bool { return false }, ListMost: listingMax,
		Sealer: seal.Seal, PutsAtOnce: putsAtOnce, GetsAtOnce: getsAtOnce,
		InHand: cfg.Workers + ShippedAtOnce, turns: make(chan struct{}, cfg.Workers),
		ShipBehind: true,
	}
	r.GiveUpID = r.MakeWay
	return r
}

// Start brings ledger, spool and bucket to where they agree. It is the same after a crash, a lost
// ledger or a quiet night.
func (r *Engine) Start(ctx context.Context) error {
	if err := r.OpenTable(ctx); err != nil {
		return err
	}
	for i := range r.Streams {
		if err := r.CheckEpochs(ctx, &r.Streams[i]); err != nil {
			return err
		}
	}
	if r.Ledger.Empty() {
		found, err := r.FindLeftovers(ctx)
		if err != nil {
			return err
		}
		r.Leftovers = found
	}
	if err := r.RecoverSpool(ctx); err != nil {
		return err
	}
	return r.shipWaiting(ctx)
}

// wasSeen reports whether the file of a source of which nothing is sealed was seen and is missing, with
// what is known of its content.
func (r *Engine) wasSeen(key source.Key) (identity.Points, bool) {
	if r.Seen == nil {
		return nil, false
	}
	return r.Seen(key)
}

// isRead reports whether a file is read as the source just now.
func (r *Engine) isRead(key source.Key) bool { return r.Reading != nil && r.Reading(key) }

// OrProblem makes a problem of an error that is of one file or source alone.
func (r *Engine) OrProblem(path string, err error) error {
	var stopped *StopError
	if err = AsFault(path, err); errors.As(err, &stopped) {
		r.Tally.Problem(stopped.Problem)
		return nil
	}
	return err
}
