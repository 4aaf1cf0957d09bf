package tail

import (
	"context"
	"errors"
	"sync"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/spool"
)

// shared is what the objects of a tail have in common.
type shared struct {
	*commit.Engine
	spool commit.Spool    // of the config, and not one that counts the waits
	ctx   context.Context // of all work; it outlives the one given to Run by the grace
	fail  context.CancelCauseFunc
	wg    sync.WaitGroup
	began time.Time

	mu     sync.Mutex // guards what follows, and the fields of logFile that say so
	table  map[fileID]*logFile
	ended  map[*logFile]bool // files that are no longer at a path, until they are sealed
	begun  bool              // it follows files
	ending bool              // seal all that is complete
}

// Tail follows files that grow, rotate, are truncated, vanish and come back.
//
// One goroutine, the director, looks at all files and sees to it that each with something to do is
// attended to by a goroutine of its own: told who it is, read, sealed. What is sealed ships in
// lanes, one a source, which know the source by the ledger alone. An idle file is an entry in a
// table and an open descriptor.
//
// Invariants:
//
//   - What was read is sealed, whatever becomes of the file: it is in memory until then.
//   - A file is held open until all of it is sealed, also when its path is gone, unless it has to wait
//     for its turn (see descriptors).
//   - Each source has at most one file that it is read from, its owner. A file that says nothing
//     else than the owner is its copy and is not read.
//   - Locks are taken in the order group, file, table.
type Tail struct {
	shared

	scanner   scanner
	scheduler scheduler
	resolver  resolver
	active    activeFiles
	uploader  uploader
	losses    losses
	memory    memory
	follower  follower
	shelf     shelf
	config    configured
	board     board
}

// New gives a tail that has not begun.
func New(cfg Config) *Tail {
	t := &Tail{shared: shared{
		Engine: commit.NewEngine(cfg.Config), spool: cfg.Spool, began: time.Now(),
		table: map[fileID]*logFile{}, ended: map[*logFile]bool{},
	}}
	t.scanner = scanner{Tail: t, watched: cfg.Watch, woken: cfg.Wake, fresh: map[source.Table]bool{}}
	t.scheduler = scheduler{Tail: t, wake: make(chan struct{}, 1), waitingFor: map[*logFile]bool{}}
	t.resolver = resolver{Tail: t, groups: map[source.Key]*headGroup{}}
	t.active = activeFiles{Tail: t, bySource: map[source.Key]*logFile{}}
	t.uploader = uploader{Tail: t, puts: make(chan struct{}, shipAtOnce(cfg)), again: commit.NewTurn(),
		opened: make(chan struct{}), lanes: map[source.Key]*lane{}, waiters: map[source.Key][]source.Key{}}
	t.losses = losses{Tail: t, missing: map[source.Key]*missingSource{}}
	t.memory, t.follower = memory{Tail: t}, follower{Tail: t}
	t.shelf = shelf{Tail: t, away: map[source.Key]map[*logFile]bool{}}
	t.config = configured{Tail: t}
	t.board = board{Tail: t, totals: map[string]*StreamTotals{}, unjudged: map[string]*commit.Counts{}}
	t.config.noting, t.Engine.Announcer.Meet, t.Engine.Announcer.ListMost = cfg.NoteOrigin, t.active.tellTwins, commit.ListingShort
	t.config.timing.Store(timingOf(cfg))
	t.scheduler.descriptors.most = cfg.OpenFiles
	t.PutsAtOnce = min(t.PutsAtOnce, shipAtOnce(cfg))
	for _, s := range streamsOf(cfg) {
		t.config.streams = append(t.config.streams, newStreamRef(s))
	}
	t.memory.reads, t.shelf.unpack = make(chan struct{}, t.Workers), make(chan struct{}, t.Workers)
	t.Engine.Spool = &pausingSpool{Spool: cfg.Spool, paused: &t.board.backpressure}
	t.Engine.Notice, t.Engine.SealedBatch, t.Engine.Pausing = t.board.problems.raise, t.board.noteSealed, t.board.backpressure.begin
	t.Engine.Sources.Reading = func(key source.Key) bool { return t.resolver.activeFile(key) != nil }
	t.Engine.Sources.Seen = t.losses.missingUnsealed
	t.Engine.AllTold, t.Engine.SetsApart = t.losses.isSettled, t.uploader.onHeld
	t.Sources.Families.Learnt, t.Sources.Families.Gone = t.uploader.wakeWaiters, t.active.idGone
	t.Engine.OutboxGrew = t.uploader.wake
	t.Engine.GiveUpID = func(_ context.Context, key source.Key) error { t.uploader.wake(key); return nil }
	t.board.problems.log = t.Log
	return t
}

// Run follows the files until ctx is cancelled. Then it seals what is complete, ships for as long
// as the grace lasts, and returns nil. Any other end is an error; running it again goes on there.
func (t *Tail) Run(ctx context.Context) error {
	work, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	t.ctx, t.fail = work, fail
	t.uploader.ships, t.uploader.endShips = context.WithCancel(work)
	defer t.uploader.endShips()
	defer t.close()
	if err := t.begin(ctx); err != nil {
		t.stop(err)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // asked to end before the sink was reached: nothing was begun
		}
		return err
	}
	t.mu.Lock()
	t.begun = true
	t.mu.Unlock()
	t.direct(ctx)
	if work.Err() == nil {
		t.finishUp()
	}
	err := context.Cause(work)
	t.stop(nil)
	return err
}

// stop ends all work and waits until it has ended. From then on no lane begins.
func (t *Tail) stop(err error) {
	t.mu.Lock()
	t.fail(err)
	t.mu.Unlock()
	t.wg.Wait()
}

// begin brings ledger and spool to where they agree. With a ledger that knows nothing, or streams that
// are not what they were, this waits for the sink, which may know more; else the sink is reached while
// the files are already read.
func (t *Tail) begin(ctx context.Context) error {
	if err := t.scanner.findFresh(ctx); err != nil {
		return err
	}
	if err := t.Recovery.FindUnsent(); err != nil {
		return err
	}
	known, err := t.config.allAccepted()
	if err != nil {
		return err
	}
	if empty := t.Ledger.Empty(); empty || !known || t.config.noting != nil {
		if err := t.openSink(ctx); err != nil {
			return err
		}
		if err := t.config.noteOrigin(); err != nil {
			return err
		}
		if err := t.config.accept(t.Engine.CurrentStreams()); err != nil {
			return err
		}
		if empty {
			if t.Recovery.OrphanObjects, err = t.Recovery.FindOrphanObjects(ctx); err != nil {
				return err
			}
		}
		if err := t.Recovery.RecoverSpool(ctx); err != nil {
			return err
		}
		close(t.uploader.opened)
	} else {
		if err := t.Recovery.RecoverLocally(); err != nil {
			return err
		}
		t.wg.Go(func() {
			if err := t.openSink(t.ctx); err != nil {
				t.failed(err)
				return
			}
			close(t.uploader.opened)
		})
	}
	if err := t.losses.findMissing(); err != nil {
		return err
	}
	t.uploader.noteHeld()
	return t.uploader.shipAllWaiting()
}

// openSink checks that the sink is the one that the ledger knows, that the streams mean what they
// meant and that it is said whose their files are.
func (t *Tail) openSink(ctx context.Context) error {
	return t.uploader.untilAllowed(ctx, "", func() error {
		if err := t.Bucket.OpenTable(ctx); err != nil {
			return err
		}
		for _, s := range t.Engine.CurrentStreams() {
			if err := t.Bucket.CheckEpochs(ctx, &s); err != nil {
				return err
			}
		}
		return t.config.checkOrigins(ctx)
	})
}

// lookShare is how much longer than a look it takes until the next one, though the system tells of
// changes all the time: of thousands of files some always change.
const lookShare = 10

// direct looks at the files until ctx or the work ends.
func (t *Tail) direct(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	poll, rested := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.ctx.Done():
			return
		case <-timer.C:
		case <-t.scheduler.wake:
		case <-t.scanner.woken:
			poll = rested
		}
		if now := time.Now(); !now.Before(poll) || t.scanner.scanNow.Swap(false) {
			t.scanner.scan(ctx)
			poll = now.Add(t.config.set().PollInterval)
			rested = now.Add(min(t.config.set().PollInterval, lookShare*time.Since(now)))
		}
		next := t.scheduler.runDue(time.Now())
		if next.IsZero() || next.After(poll) {
			next = poll
		}
		timer.Reset(max(0, time.Until(next)))
	}
}

// finishUp seals what is complete and ships for as long as the grace lasts.
func (t *Tail) finishUp() {
	t.Log.Info("ending: sealing what is complete", "grace", t.config.set().Grace)
	t.scanner.scanOnce()
	t.mu.Lock()
	t.ending = true
	for _, f := range t.allFiles() {
		t.scheduler.schedule(f)
	}
	var lanes []source.Key
	for key, l := range t.uploader.lanes {
		l.failing = 0 // one that rests is tried again, and as often as any other
		lanes = append(lanes, key)
	}
	t.mu.Unlock()
	for _, key := range lanes {
		t.uploader.wake(key)
	}
	grace := time.NewTimer(t.config.set().Grace)
	defer grace.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	over := false
	for {
		sealing, shipping := t.scheduler.underWay()
		if t.scanner.scanNow.Swap(false) {
			t.scanner.scanForCopies()
			continue
		}
		if !sealing && (over || !shipping) {
			return
		}
		if _, why := t.board.backpressure.now(); over && why != "" {
			return // there is no room to seal it: it is read again
		}
		select {
		case <-grace.C:
			over = true
			t.uploader.endShips() // a file that a lane has in hand is let go, and can be sealed
		case <-tick.C:
		case <-t.scheduler.wake:
		case <-t.ctx.Done():
			return
		}
	}
}

// failed ends the tail with an error that is of no file alone.
func (t *Tail) failed(err error) {
	if t.ctx.Err() == nil {
		t.fail(err)
	}
}

// close lets all files go.
func (t *Tail) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.allFiles() {
		if f.live != nil {
			f.live.Close()
		}
	}
}

// fatal reports whether an error is of no source alone: ledger, spool or sink cannot be used any more before
// they are opened again, which a start does, or the sink is not the one that the ledger knows.
func fatal(err error) bool {
	return errors.Is(err, commit.ErrBehind) || errors.Is(err, commit.ErrMeaning) ||
		errors.Is(err, offsets.ErrUnusable) || errors.As(err, new(*offsets.CommitError)) ||
		errors.As(err, new(*offsets.DamagedError)) ||
		errors.Is(err, spool.ErrUnusable) || errors.Is(err, sink.ErrUnusable)
}

// mayPass reports whether an error is of a sink that does not answer now, and not of what it holds.
func mayPass(err error) bool {
	return errors.As(err, new(*sink.TransientError)) || errors.As(err, new(*sink.RefusedError)) ||
		errors.Is(err, context.DeadlineExceeded)
}
