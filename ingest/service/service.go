package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"logseal/ingest/commit"
	"logseal/ingest/config"
	"logseal/ingest/files"
	"logseal/ingest/follow"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/sink/retry"
	"logseal/ingest/spool"
	"logseal/ingest/tail"
)

// tailer is what follows files: a *tail.Tail.
type tailer interface {
	Run(ctx context.Context) error
	Status() tail.Status
	LastLook() time.Time
	Stuck() (since time.Time, why string)
	Reload(cfg tail.Config) error
}

// Service is a tail and what stands around it. It runs once.
type Service struct {
	Log     *slog.Logger
	Build   Build
	Notify  *Notifier
	Plan    func() (*Plan, error)    // reads the config again
	Listen  string                   // where metrics are served, empty for nowhere
	newTail func(tail.Config) tailer // nil outside tests

	// What follows is set while the service is opened and does not change any more.
	ledger  *offsets.Ledger
	store   *retry.Store
	spool   *spool.Spool
	folders folderWatch
	host    string
	origin  config.Origin // of new sources
	share   descriptors
	// guessed says that the ledger does not keep the origin yet: the sink is asked first.
	guessed bool
	tail    tailer

	current atomic.Pointer[Plan] // what it runs by
	reloads reloads
	health  health
	ending  atomic.Bool // it was told to end
	asking  sync.Mutex  // held while a file is proved: one at a time
}

// Run follows files by the first plan until ctx ends and the tail has come to its end. A value on hangups
// reloads the config.
func (s *Service) Run(ctx context.Context, first *Plan, hangups <-chan os.Signal) (err error) {
	s.current.Store(first)
	puts := newPutSeconds()
	if err := s.open(ctx, puts); err != nil {
		if ctx.Err() != nil && errors.As(err, new(*offsets.LockedError)) {
			err = nil // asked to end before the state was its own: nothing was begun
		}
		return errors.Join(err, s.close())
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if s.newTail != nil {
		s.tail = s.newTail(s.config(first))
	} else {
		s.tail = tail.New(s.config(first))
	}
	s.health.lastWell.Store(time.Now().UnixNano())

	// What stands beside the tail lives until the tail has ended, so that one can watch it end.
	beside, end := context.WithCancel(context.WithoutCancel(ctx))
	var wait sync.WaitGroup
	defer wait.Wait()
	defer end()
	if err := s.serveMetrics(beside, &wait, puts); err != nil {
		return err
	}
	s.serveSocket(beside, &wait)
	wait.Go(func() { s.feedWatchdog(beside) })
	wait.Go(func() { s.hearHangups(beside, hangups) })
	defer context.AfterFunc(ctx, func() {
		s.ending.Store(true)
		s.told(s.Notify.stopping())
	})()
	s.told(s.Notify.ready("following"))
	s.Log.Info("following files", "sink", first.Location.Sink, "state", first.Location.State,
		"origin", s.origin.String(), "streams", len(first.Streams), "pid", os.Getpid())
	err = s.tail.Run(ctx)
	if err == nil {
		status := s.tail.Status()
		s.Log.Info("ended", "unshipped_bytes", unshipped(&status), "spool_bytes", status.SpoolBytes)
	}
	return err
}

// open opens ledger, sink and spool, in this order: the ledger's lock keeps other processes from
// the rest, and its writer id names our folder in the sink.
func (s *Service) open(ctx context.Context, puts *prometheus.HistogramVec) (err error) {
	p := s.current.Load()
	limit, err := openFilesLimit()
	if err != nil {
		return err
	}
	if s.share, err = shareOut(limit); err != nil {
		return err
	}
	if s.host, err = os.Hostname(); err != nil {
		return fmt.Errorf("ask for the host's name: %w", err)
	}
	meta := offsets.Meta{Sink: p.Location.SinkName(), Origin: string(p.Config.Origin)}
	s.ledger, err = openPatiently(ctx, s.Log, func() (*offsets.Ledger, error) {
		return offsets.Open(p.Location.State, meta)
	})
	if err != nil {
		return err
	}
	// What the ledger keeps stays: whoever renames a host does not rename its sources so.
	if s.origin = config.NotedOrigin(s.ledger); s.origin == "" {
		s.guessed = true
		if s.origin, err = config.HostOrigin(); err != nil {
			return err
		}
	}
	store, err := p.Location.OpenStore(ctx, s.ledger.Meta().WriterID)
	if err != nil {
		return err
	}
	s.store = p.Location.Patient(&putMeter{Store: store, seconds: puts}, s.Log, location.LoadPatience)
	if s.spool, err = spool.Open(p.Location.Spool(), p.Config.SpoolMaxBytes); err != nil {
		return err
	}
	if s.folders.events, err = follow.NewEvents(); err != nil {
		s.Log.Warn("cannot watch for changes; files are scanned every poll_interval",
			"error", err)
	}
	return nil
}

const (
	// lockPatience is how long a tail waits for its state: the process before it may still be ending,
	// and someone may just be asking for its status.
	lockPatience = 30 * time.Second
	lockPause    = 10 * time.Millisecond
)

// openPatiently opens a ledger that another process may still have.
func openPatiently(
	ctx context.Context, log *slog.Logger, open func() (*offsets.Ledger, error),
) (*offsets.Ledger, error) {
	began := time.Now()
	for said := false; ; said = true {
		l, err := open()
		if !errors.As(err, new(*offsets.LockedError)) || time.Since(began) > lockPatience {
			return l, err
		}
		if !said {
			log.Warn("waiting for the state folder", "error", err)
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (s *Service) close() (err error) {
	if s.folders.events != nil {
		err = s.folders.events.Close()
	}
	if s.ledger != nil {
		err = errors.Join(err, s.ledger.Close())
	}
	return err
}

// config is what the tail does by a plan.
func (s *Service) config(p *Plan) tail.Config {
	c := p.Config
	cfg := tail.Config{
		Config: commit.Config{
			Store: s.store, Ledger: s.ledger, Spool: commit.DiskSpool{Spool: s.spool},
			FS: files.OS().FollowAll(c.FollowLinks), Streams: s.origin.Of(p.Streams), Host: s.host,
			Program: s.Build.Version, Log: s.Log,
		},
		PollInterval: c.Tail.PollInterval, CopyWait: c.Tail.CopyWait,
		CloseWait: max(c.Tail.CloseWait, 1), Grace: max(c.ShutdownGrace, 1), // 0 would be the default
		OpenFiles: s.share.files, ShipAtOnce: s.share.ships,
	}
	for i, f := range p.follows {
		stream := &c.Streams[i]
		cfg.Follow = append(cfg.Follow, tail.Follow{
			Unsaid: c.Origin == "", Find: f.Find, Dirs: f.Folders, StartAtEnd: stream.StartAtEnd,
			MaxAge: stream.MaxAge(),
		})
	}
	if s.guessed {
		cfg.NoteOrigin = func() error { return s.ledger.NoteOrigin(string(s.origin)) }
	}
	if s.folders.events != nil {
		s.folders.log = s.Log
		cfg.Wake, cfg.Watch = s.folders.events.C(), s.folders.watch
	}
	return cfg
}

// Status is the status of the tail, empty before the tail begins.
func (s *Service) Status() tail.Status {
	if s.tail == nil {
		return tail.Status{}
	}
	return s.tail.Status()
}

// Retries counts the requests to the sink that were repeated.
func (s *Service) Retries() int64 {
	if s.store == nil {
		return 0
	}
	return s.store.Retries()
}

// unshipped is how many bytes were read or sealed and are not in the sink.
func unshipped(status *tail.Status) (n int64) {
	for _, x := range status.Sources {
		n += max(0, max(x.Read, x.Sealed)-x.Shipped)
	}
	return n
}
