package tail

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/source"
)

// TailConfig is all that a tail needs. Of Config it has no use for Inputs, Assume and Shard.
type TailConfig struct {
	commit.Config
	// Follow says of each of Streams which files it follows.
	Follow []Follow
	// NoteOrigin is called once the sink was asked about what is Unsaid, before anything is sealed: it
	// lets the ledger keep the origin. Nil when the ledger has it.
	NoteOrigin func() error
	// PollInterval is how often the files are looked at.
	PollInterval time.Duration
	// CloseWait is how long after the last write a file whose path is gone can still grow.
	CloseWait time.Duration
	// CopyWait is how long an undecided file that does not change holds back a loss.
	CopyWait time.Duration
	// Grace is how long shipping is tried once the tail is to end.
	Grace time.Duration
	// HoldBytes is the memory for what is read but not sealed. A little more may be used.
	HoldBytes int64
	// OpenFiles is how many files may be open at once; 0 for no bound.
	OpenFiles int
	// ShipAtOnce is how many sources are shipped at once, and how many objects of each; 0 for as many as
	// is usual.
	ShipAtOnce int
	// Wake says that it is worth looking before the next poll; nil for none.
	Wake <-chan struct{}
	// Watch is told, after each look that found other folders, which are of interest; nil for none.
	Watch func(dirs []string)
}

// Follow is how the files of one stream are followed.
type Follow struct {
	// Unsaid says that nobody said what the stream's Origin is: then its table must have no sources
	// without one that may be these files', unless Origin has begun its own.
	Unsaid bool
	// Find gives the files that there are now, and what could not be read: no file is taken to be
	// gone that may be there. After an error that holds for all of the stream's.
	Find func(ctx context.Context) ([]files.Found, []files.Unread, error)
	// Dirs gives the folders in which files may appear; nil for none.
	Dirs func() []string
	// StartAtEnd says that what the files hold which are there at the very first start is not wanted.
	StartAtEnd bool
	// MaxAge is how long a byte that was read may wait to be sealed.
	MaxAge time.Duration
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
	*commit.Engine
	spool    commit.Spool // of the config, and not one that counts the waits
	watched  func(dirs []string)
	woken    <-chan struct{}
	noting   func() error // the config's NoteOrigin
	timing   atomic.Pointer[timing]
	ctx      context.Context // of all work; it outlives the one given to Run by the grace
	fail     context.CancelCauseFunc
	ships    context.Context // of what ships: when the tail ends the grace is its end
	endShips context.CancelFunc
	wg       sync.WaitGroup
	began    time.Time
	reads    chan struct{} // holds one for each file that is being read
	unpack   chan struct{} // likewise for compressed ones, which take more memory
	puts     chan struct{} // holds one for each source that is being shipped
	again    commit.Turn   // taken while a lost range is sealed again
	opened   chan struct{} // closed once the sink was reached and is the ledger's
	wake     chan struct{} // a deadline may have come nearer
	held     atomic.Int64  // bytes of memory that hold what is not sealed
	lookNow  atomic.Bool
	sinkOff  atomic.Int64 // until when, in Unix ns, the sink is not asked who a file is

	mu         sync.Mutex // guards what follows, and the fields of followed that say so
	streams    []*streamRef
	table      map[fileID]*followed
	waitingFor map[*followed]bool // files that are due at some time
	ended      map[*followed]bool // files that are no longer at a path, until they are sealed
	owners     map[source.Key]*followed
	groups     map[source.Key]*headGroup
	lanes      map[source.Key]*lane
	waiters    map[source.Key][]source.Key // sources that wait for another one to ship, by that one
	missing    map[source.Key]*missingSource
	away       map[source.Key]map[*followed]bool // files that were read to their end
	dirs       []string
	looks      int64                 // how many there were
	looked     time.Time             // the last look's end
	lookBegan  time.Time             // the last ended look's begin
	ending     bool                  // seal all that is complete
	busy       int                   // goroutines that attend to files
	fresh      map[source.Table]bool // tables that had nothing when the tail began
	totals     map[string]*StreamTotals
	unjudged   map[string]*commit.Counts // by stream: see judgeStream
	paused     pauses
	notices    notices
	refused    refused
	pulse      pulse

	descriptors descriptors
}

// NewTail gives a tail that has not begun.
func NewTail(cfg TailConfig) *Tail {
	t := &Tail{
		Engine: commit.NewEngine(cfg.Config), spool: cfg.Spool, watched: cfg.Watch, woken: cfg.Wake,
		puts: make(chan struct{}, shipAtOnce(cfg)), again: commit.NewTurn(),
		opened: make(chan struct{}),
		wake:   make(chan struct{}, 1), began: time.Now(),
		table: map[fileID]*followed{}, waitingFor: map[*followed]bool{}, ended: map[*followed]bool{},
		owners: map[source.Key]*followed{}, groups: map[source.Key]*headGroup{},
		lanes: map[source.Key]*lane{}, waiters: map[source.Key][]source.Key{},
		missing: map[source.Key]*missingSource{}, away: map[source.Key]map[*followed]bool{},
		fresh: map[source.Table]bool{}, totals: map[string]*StreamTotals{},
		unjudged: map[string]*commit.Counts{},
	}
	t.noting, t.Engine.Meet, t.Engine.ListMost = cfg.NoteOrigin, t.tellTwins, commit.ListingShort
	t.timing.Store(timingOf(cfg))
	t.descriptors.most = cfg.OpenFiles
	t.PutsAtOnce = min(t.PutsAtOnce, shipAtOnce(cfg))
	for _, s := range tailStreams(cfg) {
		t.streams = append(t.streams, newStreamRef(s))
	}
	t.reads, t.unpack = make(chan struct{}, t.Workers), make(chan struct{}, t.Workers)
	t.Engine.Spool = &pausingSpool{Spool: cfg.Spool, paused: &t.paused}
	t.Engine.Notice, t.Engine.SealedBatch, t.Engine.Pausing = t.notices.raise, t.noteSealed, t.paused.begin
	t.Engine.Reading = func(key source.Key) bool { return t.owner(key) != nil }
	t.Engine.Seen = t.missingUnsealed
	t.Engine.AllTold, t.Engine.SetsApart = t.isSettled, t.onHeld
	t.Families.Learnt, t.Families.Gone = t.wakeWaiters, t.idGone
	t.Engine.OutboxGrew = t.kickLane
	t.Engine.GiveUpID = func(_ context.Context, key source.Key) error { t.kickLane(key); return nil }
	t.notices.log = t.Log
	return t
}

// Run follows the files until ctx is cancelled. Then it seals what is complete, ships for as long
// as the grace lasts, and returns nil. Any other end is an error; running it again goes on there.
func (t *Tail) Run(ctx context.Context) error {
	work, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	t.ctx, t.fail = work, fail
	t.ships, t.endShips = context.WithCancel(work)
	defer t.endShips()
	defer t.close()
	if err := t.begin(ctx); err != nil {
		t.stop(err)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // asked to end before the sink was reached: nothing was begun
		}
		return err
	}
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
	if err := t.findFresh(ctx); err != nil {
		return err
	}
	if err := t.FindUnsent(); err != nil {
		return err
	}
	known, err := t.allAccepted()
	if err != nil {
		return err
	}
	if empty := t.Ledger.Empty(); empty || !known || t.noting != nil {
		if err := t.openSink(ctx); err != nil {
			return err
		}
		if err := t.noteOrigin(); err != nil {
			return err
		}
		if err := t.accept(t.Engine.CurrentStreams()); err != nil {
			return err
		}
		if empty {
			if t.Leftovers, err = t.FindLeftovers(ctx); err != nil {
				return err
			}
		}
		if err := t.RecoverSpool(ctx); err != nil {
			return err
		}
		close(t.opened)
	} else {
		if err := t.RecoverLocally(); err != nil {
			return err
		}
		t.wg.Go(func() {
			if err := t.openSink(t.ctx); err != nil {
				t.failed(err)
				return
			}
			close(t.opened)
		})
	}
	if err := t.findMissing(); err != nil {
		return err
	}
	t.noteHeld()
	return t.shipAllWaiting()
}

// openSink checks that the sink is the one that the ledger knows, that the streams mean what they
// meant and that it is said whose their files are.
func (t *Tail) openSink(ctx context.Context) error {
	return t.untilAllowed(ctx, "", func() error {
		if err := t.OpenTable(ctx); err != nil {
			return err
		}
		for _, s := range t.Engine.CurrentStreams() {
			if err := t.CheckEpochs(ctx, &s); err != nil {
				return err
			}
		}
		return t.checkOrigins(ctx)
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
		case <-t.wake:
		case <-t.woken:
			poll = rested
		}
		if now := time.Now(); !now.Before(poll) || t.lookNow.Swap(false) {
			t.look(ctx)
			poll = now.Add(t.set().PollInterval)
			rested = now.Add(min(t.set().PollInterval, lookShare*time.Since(now)))
		}
		next := t.attendDue(time.Now())
		if next.IsZero() || next.After(poll) {
			next = poll
		}
		timer.Reset(max(0, time.Until(next)))
	}
}

// finishUp seals what is complete and ships for as long as the grace lasts.
func (t *Tail) finishUp() {
	t.Log.Info("ending: sealing what is complete", "grace", t.set().Grace)
	t.lookOnce()
	t.mu.Lock()
	t.ending = true
	for _, f := range t.allFiles() {
		t.kick(f)
	}
	var lanes []source.Key
	for key := range t.lanes {
		lanes = append(lanes, key)
	}
	t.mu.Unlock()
	for _, key := range lanes {
		t.kickLane(key) // also those that rest
	}
	grace := time.NewTimer(t.set().Grace)
	defer grace.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	over := false
	for {
		sealing, shipping := t.underWay()
		if t.lookNow.Swap(false) {
			t.lookForCopies()
			continue
		}
		if !sealing && (over || !shipping) {
			return
		}
		if _, why := t.paused.now(); over && why != "" {
			return // there is no room to seal it: it is read again
		}
		select {
		case <-grace.C:
			over = true
			t.endShips() // a file that a lane has in hand is let go, and can be sealed
		case <-tick.C:
		case <-t.wake:
		case <-t.ctx.Done():
			return
		}
	}
}

// lookOnce looks at the files while the tail ends, for no longer than the grace lasts.
func (t *Tail) lookOnce() {
	ctx, cancel := context.WithTimeout(t.ctx, t.set().Grace)
	defer cancel()
	t.look(ctx)
}

// lookForCopies looks at the files once more while the tail ends: one was truncated, and what becomes
// of its half line depends on whether there is a copy.
func (t *Tail) lookForCopies() {
	t.lookOnce()
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.ended {
		t.kick(f)
	}
}

// underWay tells whether anything is being sealed, and whether anything waits to be shipped that
// could be.
func (t *Tail) underWay() (sealing, shipping bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lanes {
		shipping = shipping || l.busy
	}
	return t.busy > 0, shipping
}

// nudgeLook has all files looked at soon.
func (t *Tail) nudgeLook() {
	t.lookNow.Store(true)
	t.nudge()
}

// nudge lets the director see to what may have become due.
func (t *Tail) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
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
