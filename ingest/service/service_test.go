package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/config"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/service/servicetest"
	"logseal/ingest/tail"
)

// fakeTail is a tail that does nothing and says what it is told to.
type fakeTail struct {
	mu       sync.Mutex // guards what follows
	is       tail.Status
	refusal  error
	reloads  []tail.Config
	hangs    chan struct{} // Status waits for it; nil for not at all
	startErr error
	stuck    time.Time // since when
}

func (f *fakeTail) Run(ctx context.Context) error {
	if f.startErr != nil {
		return f.startErr
	}
	<-ctx.Done()
	return nil
}

func (f *fakeTail) LastLook() time.Time { return f.Status().LastLook }

func (f *fakeTail) Stuck() (time.Time, string) { return f.stuck, "the disk is broken" }

func (f *fakeTail) Status() tail.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hangs != nil {
		<-f.hangs
	}
	return f.is
}

func (f *fakeTail) Reload(cfg tail.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refusal == nil {
		f.reloads = append(f.reloads, cfg)
	}
	return f.refusal
}

// running is a service that follows files with a fakeTail.
type running struct {
	*Service
	root    string // holds ingest.yaml, the logs, the state and the sink lake
	fake    *fakeTail
	said    *servicetest.Log // its log
	manager *servicetest.Manager
	hangups chan os.Signal
	stop    func() error // tells it to end and waits
}

const runningConfig = `sink: ROOT/lake
state: ROOT/state
origin: web-1
streams: [{name: app, format: app, paths: [ROOT/*.log]}]
`

// startService starts one in a folder of its own, in which root may have more folders.
func startService(t *testing.T, root string) *running {
	r := &running{root: root, fake: &fakeTail{}, said: &servicetest.Log{}, hangups: make(chan os.Signal)}
	r.write(t, runningConfig)
	r.manager = servicetest.NewManager(t, filepath.Join(t.TempDir(), "notify"))
	notify, err := NewNotifier(environ("NOTIFY_SOCKET=" + r.manager.Name))
	require.NoError(t, err)
	r.Service = &Service{Log: slog.New(slog.NewTextHandler(r.said, nil)), Notify: notify, Plan: r.readPlan, Listen: "127.0.0.1:0",
		newTail: func(tail.Config) tailer { return r.fake }}
	first, err := r.readPlan()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, first, r.hangups) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { r.stop(); notify.Close() })
	r.manager.Hears(t, "READY=1\nSTATUS=following")
	return r
}

// readPlan reads the plan of the config as it is now.
func (r *running) readPlan() (*Plan, error) { return planAt(filepath.Join(r.root, "ingest.yaml")) }

// planAt is the plan of a config file.
func planAt(path string) (*Plan, error) {
	cfg, err := config.Read(path)
	if err != nil {
		return nil, err
	}
	at, err := location.New(cmp.Or(cfg.Sink, config.DefaultSink), cfg.State, cfg.SinkMode, cfg.FollowLinks)
	if err != nil {
		return nil, err
	}
	return NewPlan(cfg, at)
}

func (r *running) write(t *testing.T, config string) {
	config = strings.ReplaceAll(config, "ROOT", r.root)
	require.NoError(t, os.WriteFile(filepath.Join(r.root, "ingest.yaml"), []byte(config), 0o666))
}

// ask asks the service by its socket.
func (r *running) ask(t *testing.T, q Question) (Status, error) {
	return Ask(t.Context(), &offsets.LockedError{Dir: filepath.Join(r.root, "state"), Pid: os.Getpid()}, q)
}

func TestService_EndsInOrder(t *testing.T) {
	r := startService(t, t.TempDir())
	require.FileExists(t, filepath.Join(r.root, "state", location.SocketName))
	require.NoError(t, r.stop())
	r.manager.Hears(t, "STOPPING=1\nSTATUS=ending")
	require.NoFileExists(t, filepath.Join(r.root, "state", location.SocketName))
	l, err := offsets.Open(filepath.Join(r.root, "state"), offsets.Meta{
		Sink: filepath.Join(resolved(t, r.root), "lake"), Origin: "web-1"})
	require.NoError(t, err, "the ledger is let go, and is web-1's")
	require.NoError(t, l.Close())
}

func resolved(t *testing.T, path string) string {
	path, err := filepath.EvalSymlinks(path)
	require.NoError(t, err)
	return path
}

func TestService_TailsErrorIsItsOwn(t *testing.T) {
	boom := errors.New("boom")
	r := &Service{Log: slog.New(slog.DiscardHandler), Notify: &Notifier{},
		newTail: func(tail.Config) tailer { return &fakeTail{startErr: boom} }}
	root := t.TempDir()
	x := &running{root: root}
	x.write(t, runningConfig)
	first, err := x.readPlan()
	require.NoError(t, err)
	require.ErrorIs(t, r.Run(t.Context(), first, nil), boom)
	require.NoFileExists(t, root+"/state/"+location.SocketName)
}
