package commit

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"syscall"
	"time"

	"logseal/ingest/identity"
	"logseal/ingest/offsets"
	"logseal/ingest/seal"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
	"logseal/ingest/spool"
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

	Counters      counters
	OrphanBatches orphanBatches
	Pending       pending
	ReadPaths     sync.Map // paths of the files that this run reads
	DroppedPaths  sync.Map // paths of the files whose batches were dropped to be cut anew
	Hopeless      sync.Map // keys of sources that only a file which is gone could tell apart

	Hooks

	Bucket    bucket
	Recovery  recovery
	Sources   sources
	Announcer announcer
}

// Hooks are what a run tells and asks whoever runs it. Nil is nobody.
type Hooks struct {
	Notice      func(Problem)         // is told of problems
	SealedBatch func(*Writer, Counts) // is told of each batch that is sealed
	// GiveUpID is told of a source of the ledger that turns out not to be what the sink has under its id.
	GiveUpID func(context.Context, source.Key) error
	// SetsApart is told of a source of which batches were set apart.
	SetsApart func(source.Key)
	// AllTold reports whether all files that there are were told which source they are.
	AllTold func() bool
	// OutboxGrew is told of each source that has more to ship.
	OutboxGrew func(source.Key)
	// Pausing is told that something waits, and gives what to call when it does no longer.
	Pausing func(why string) (end func())
}

// ShippedAtOnce is how many sources may be in hand besides those that are being cut: they wait for
// the sink. Each takes a file handle and, while its file is settled, a buffer.
const ShippedAtOnce = 16

// NewEngine gives the engine of one run.
func NewEngine(cfg Config) *Engine {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Program = cmp.Or(cfg.Program, "unknown")
	fs := &families{}
	cfg.Ledger = notifyingLedger{cfg.Ledger, fs}
	r := &Engine{
		Config: cfg, Hooks: Hooks{AllTold: func() bool { return false }}, Sealer: seal.Seal, PutsAtOnce: putsAtOnce,
		GetsAtOnce: getsAtOnce, InHand: cfg.Workers + ShippedAtOnce,
		turns: make(chan struct{}, cfg.Workers), ShipBehind: true,
	}
	r.Bucket.Engine, r.Recovery.Engine = r, r
	r.Sources = sources{Engine: r, Families: fs}
	r.Announcer = announcer{Engine: r, Meet: refuseTwins, ListMost: listingMax}
	r.GiveUpID = r.MakeWay
	return r
}

// Start brings ledger, spool and bucket to where they agree. It is the same after a crash, a lost
// ledger or a quiet night.
func (r *Engine) Start(ctx context.Context) error {
	if err := r.Bucket.OpenTable(ctx); err != nil {
		return err
	}
	for i := range r.Streams {
		if err := r.Bucket.CheckEpochs(ctx, &r.Streams[i]); err != nil {
			return err
		}
	}
	if r.Ledger.Empty() {
		found, err := r.Recovery.FindOrphanObjects(ctx)
		if err != nil {
			return err
		}
		r.Recovery.OrphanObjects = found
	}
	if err := r.Recovery.RecoverSpool(ctx); err != nil {
		return err
	}
	return r.Recovery.shipWaiting(ctx)
}

// wasSeen reports whether the file of a source of which nothing is sealed was seen and is missing, with
// what is known of its content.
func (u *sources) wasSeen(key source.Key) (identity.Points, bool) {
	if u.Seen == nil {
		return nil, false
	}
	return u.Seen(key)
}

// isRead reports whether a file is read as the source just now.
func (u *sources) isRead(key source.Key) bool { return u.Reading != nil && u.Reading(key) }

// OrProblem makes a problem of an error that is of one file or source alone.
func (r *Engine) OrProblem(path string, err error) error {
	var stopped *StopError
	if err = AsFault(path, err); errors.As(err, &stopped) {
		r.Counters.Problem(stopped.Problem)
		return nil
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

// Clear forgets why a source could not ship.
func (p *pending) Clear(key source.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.by, key)
}

// All gives the problems of all sources that could not ship.
func (p *pending) All() []Problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Problem
	for _, problem := range p.by {
		all = append(all, problem)
	}
	return all
}

const (
	// roomWaitFirst is about the first pause between two looks for room on a full disk.
	roomWaitFirst = 500 * time.Millisecond
	// roomWaitMax is about the longest.
	roomWaitMax = 10 * time.Second
)

// RetryWhileDiskFull runs try, and again for as long as the disk is full: reading pauses, and goes on
// by itself when there is room. try must be safe to repeat.
func (r *Engine) RetryWhileDiskFull(ctx context.Context, try func() error) error {
	wait := retry.Growing(roomWaitFirst, roomWaitMax)
	resumed := func() {}
	defer func() { resumed() }()
	full := false
	for {
		err := try()
		if err == nil || !DiskFull(err) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rest, d := SlotOf(ctx).rest(), wait()
		if r.Pausing != nil && !full {
			full, resumed = true, r.Pausing(PausedDisk)
		}
		r.Log.Warn("disk is full: paused until there is room", "error", err, "wait", d)
		if err := rest.pause(ctx, d); err != nil {
			return err
		}
	}
}

// DiskFull reports whether an error is of a full disk. A failed commit of the ledger is not: its
// outcome is unknown, so the run ends.
func DiskFull(err error) bool {
	if errors.As(err, new(*offsets.CommitError)) {
		return false
	}
	var full *spool.FullError
	return errors.As(err, &full) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// PausedDisk says why reading pauses.
const PausedDisk = "the disk is full"

// LogSource names a source in a log line.
func LogSource(key source.Key) []any {
	return []any{"stream", key.Table.Stream, "sid", key.ID.String()}
}
