package tail

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// configured is the streams as they are followed now, and what is accepted of them.
type configured struct {
	*Tail

	noting  func() error // the config's NoteOrigin
	timing  atomic.Pointer[timing]
	streams []*streamRef
}

// UnsaidError is returned when a tail is not told whose its files are and they may have been loaded
// without an origin: as a source of another they would be there twice.
type UnsaidError struct {
	Table  source.Table
	Origin string // that they would get
}

func (e *UnsaidError) Error() string {
	return fmt.Sprintf("table %s has sources without an origin, as `ingest load` makes them, and the "+
		"config does not set the origin of this tail's files: set `origin: none` to continue those sources, "+
		"or `origin: %s` to begin new ones, which hold what was loaded already a second time",
		e.Table, e.Origin)
}

// checkOrigins holds all streams against what the sink has.
func (c *configured) checkOrigins(ctx context.Context) error {
	c.mu.Lock()
	streams := make([]*stream, len(c.streams))
	for i, ref := range c.streams {
		streams[i] = ref.Load()
	}
	c.mu.Unlock()
	for _, s := range streams {
		if err := c.checkOrigin(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// checkOrigin returns an *UnsaidError when nobody said whose a stream's files are and its table has
// sources without an origin. Once it has some of the stream's own as well that question was decided:
// then a load into the table must not keep a tail from starting again.
func (c *configured) checkOrigin(ctx context.Context, s *stream) error {
	if !s.Unsaid || s.OriginPath != nil || s.Origin == "" {
		return nil
	}
	some, err := c.Bucket.AnyManifest(ctx, s.Table(), source.NoOrigin)
	if err != nil || !some {
		return err
	}
	own, err := c.Bucket.AnyManifest(ctx, s.Table(), s.Origin)
	if err != nil || own {
		return err
	}
	return &UnsaidError{Table: s.Table(), Origin: s.Origin}
}

// noteOrigin lets the ledger keep the origin, if it does not yet. If we die before, the next start asks
// again.
func (c *configured) noteOrigin() error {
	if c.noting == nil {
		return nil
	}
	return c.noting()
}

// allAccepted reports whether an earlier run has asked the sink about all streams as they are now. Only
// then may something be sealed before the sink is reached: what a version may not grow into must never
// get into the outbox.
func (c *configured) allAccepted() (bool, error) {
	for _, s := range c.Engine.CurrentStreams() {
		ok, err := c.Ledger.Accepted(s.Table(), s.Epoch.ID())
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// accept notes that the sink's epochs allow these streams.
func (c *configured) accept(streams []commit.Stream) error {
	for _, s := range streams {
		if err := c.Ledger.Accept(s.Table(), s.Epoch.ID()); err != nil {
			return fmt.Errorf("note in the ledger what stream %s means: %w", s.Epoch.Stream, err)
		}
	}
	return nil
}

// reloadMax is how long a reload waits for the sink, which has to be asked what a stream meant.
const reloadMax = 10 * time.Second

// Reload takes another config: streams may come and go, and change in all but their meaning. Store,
// Ledger, Spool, FS, Wake and Watch stay what they are. With an error nothing has changed.
//
// Files of a stream that is gone are sealed as far as they are complete and let go; what was sealed
// of them ships.
func (t *Tail) Reload(cfg Config) error {
	t.mu.Lock()
	begun := t.begun
	t.mu.Unlock()
	if !begun {
		return errors.New("the tail is still starting: reload again once it follows files")
	}
	next := streamsOf(cfg)
	if err := t.config.mayBecome(next); err != nil {
		return err
	}
	if err := t.config.accept(cfg.Streams); err != nil {
		return err
	}
	none, err := t.config.withoutSources(next)
	if err != nil {
		return err
	}
	t.Engine.TakeStreams(cfg.Streams)
	t.config.timing.Store(timingOf(cfg))
	t.mu.Lock()
	defer t.mu.Unlock()
	old := map[string]*streamRef{}
	for _, ref := range t.config.streams {
		old[ref.Load().Table().String()] = ref
	}
	t.config.streams = nil
	for _, s := range next {
		table := s.Table().String()
		ref := old[table]
		delete(old, table)
		if ref == nil {
			ref = newStreamRef(s)
			t.scanner.fresh[s.Table()] = s.StartAtEnd && none[s.Table()]
		}
		ref.Store(s)
		t.config.streams = append(t.config.streams, ref)
	}
	for _, ref := range old {
		ref.removed.Store(true)
	}
	t.scanner.requestScan()
	return nil
}

// mayBecome refuses streams whose meaning has changed within their version, and new ones of which it
// would have to be said whose they are.
func (c *configured) mayBecome(next []*stream) error {
	ctx, cancel := context.WithTimeout(c.ctx, reloadMax)
	defer cancel()
	running := c.Engine.CurrentStreams()
	for _, s := range next {
		known := false
		for _, old := range running {
			if old.Table() != s.Table() {
				continue
			}
			known = true
			if err := table.Compatible(old.Epoch, s.Epoch); err != nil {
				return fmt.Errorf("%w: %w", commit.ErrMeaning, err)
			}
		}
		if known {
			continue
		}
		if err := c.Bucket.CheckEpochs(ctx, s.Stream); err != nil {
			return fmt.Errorf("ask the sink what stream %s meant: %w", s.Epoch.Stream, err)
		}
		if err := c.checkOrigin(ctx, s); err != nil {
			return fmt.Errorf("ask the sink whose stream %s is: %w", s.Epoch.Stream, err)
		}
	}
	return nil
}

// withoutSources gives the tables of which the ledger has nothing.
func (c *configured) withoutSources(streams []*stream) (map[source.Table]bool, error) {
	none := map[source.Table]bool{}
	for _, s := range streams {
		has, err := c.Ledger.HasTable(s.Table())
		if err != nil {
			return nil, err
		}
		none[s.Table()] = !has
	}
	return none, nil
}

// The defaults of TailConfig.
const (
	DefaultPollInterval = time.Second
	DefaultCloseWait    = time.Minute
	DefaultCopyWait     = time.Hour
	DefaultHoldBytes    = 48 << 20
)

// timing is what of a TailConfig a reload may change at any time.
type timing struct {
	PollInterval, CloseWait, CopyWait, Grace time.Duration
	HoldBytes                                int64
}

func timingOf(cfg Config) *timing {
	return &timing{
		PollInterval: orDefault(cfg.PollInterval, DefaultPollInterval),
		CloseWait:    orDefault(cfg.CloseWait, DefaultCloseWait),
		CopyWait:     orDefault(cfg.CopyWait, DefaultCopyWait),
		Grace:        cfg.Grace,
		HoldBytes:    orDefault(cfg.HoldBytes, DefaultHoldBytes),
	}
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// set gives what is set now.
func (c *configured) set() *timing { return c.timing.Load() }

// stream is how the files of one table are followed and read.
type stream struct {
	*commit.Stream
	Follow
}

func streamsOf(cfg Config) (all []*stream) {
	for i := range cfg.Streams {
		all = append(all, &stream{&cfg.Streams[i], cfg.Follow[i]})
	}
	return all
}

// streamRef is a table's stream through reloads.
type streamRef struct {
	atomic.Pointer[stream]
	removed atomic.Bool // the config no longer has it
	looked  bool        // its files were found once; guarded by Tail.mu
}

func newStreamRef(s *stream) *streamRef {
	ref := &streamRef{}
	ref.Store(s)
	return ref
}

// Config is all that a tail needs. Of Config it has no use for Inputs, Assume and Shard.
type Config struct {
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
