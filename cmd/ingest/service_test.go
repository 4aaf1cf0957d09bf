package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/pipeline"
)

// fakeTail is a tail that does nothing and says what it is told to.
type fakeTail struct {
	mu       sync.Mutex // guards what follows
	is       pipeline.TailStatus
	refusal  error
	reloads  []tailConfig
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

func (f *fakeTail) Status() pipeline.TailStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hangs != nil {
		<-f.hangs
	}
	return f.is
}

func (f *fakeTail) Reload(cfg tailConfig) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refusal == nil {
		f.reloads = append(f.reloads, cfg)
	}
	return f.refusal
}

// told is a log that can be read while it is written.
type told struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *told) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *told) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// running is a service that follows files with a fakeTail.
type running struct {
	*service
	root    string // holds ingest.yaml, the logs, the state and the sink lake
	fake    *fakeTail
	log     *told
	manager *manager
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
	r := &running{root: root, fake: &fakeTail{}, log: &told{}, hangups: make(chan os.Signal)}
	r.write(t, runningConfig)
	r.manager = newManager(t, filepath.Join(t.TempDir(), "notify"))
	notify, err := newNotifier(environ("NOTIFY_SOCKET=" + r.manager.name))
	require.NoError(t, err)
	a := newApp(io.Discard, r.log)
	a.logJSON()
	command := &tailCmd{siteFlags: siteFlags{Config: filepath.Join(root, "ingest.yaml")}}
	r.service = &service{app: a, notify: notify, plan: command.plan, listen: "127.0.0.1:0",
		newTail: func(tailConfig) tailer { return r.fake }}
	first, err := command.plan()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, first, r.hangups) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { r.stop(); notify.Close() })
	r.hears(t, "READY=1\nSTATUS=following")
	return r
}

func (r *running) write(t *testing.T, config string) {
	config = strings.ReplaceAll(config, "ROOT", r.root)
	require.NoError(t, os.WriteFile(filepath.Join(r.root, "ingest.yaml"), []byte(config), 0o666))
}

// hears wants the manager to be told something next, that all is well apart.
func (r *running) hears(t *testing.T, want string) {
	for {
		switch have := r.manager.hear(t); {
		case have == "WATCHDOG=1":
		case strings.HasPrefix(want, "RELOADING"):
			require.True(t, strings.HasPrefix(have, want), have)
			return
		default:
			require.Equal(t, want, have)
			return
		}
	}
}

// ask runs `ingest status` and gives what it printed and its exit code.
func (r *running) ask(t *testing.T, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"status", "-c", filepath.Join(r.root, "ingest.yaml")}, args...),
		&out, &errs)
	return code, out.String(), errs.String()
}

func TestService_EndsInOrder(t *testing.T) {
	r := startService(t, t.TempDir())
	require.FileExists(t, filepath.Join(r.root, "state", location.SocketName))
	require.NoError(t, r.stop())
	r.hears(t, "STOPPING=1\nSTATUS=ending")
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
	r := &service{app: newApp(io.Discard, io.Discard), notify: &notifier{},
		newTail: func(tailConfig) tailer { return &fakeTail{startErr: boom} }}
	root := t.TempDir()
	x := &running{root: root}
	x.write(t, runningConfig)
	first, err := (&tailCmd{siteFlags: siteFlags{Config: root + "/ingest.yaml"}}).plan()
	require.NoError(t, err)
	require.ErrorIs(t, r.run(t.Context(), first, nil), boom)
	require.NoFileExists(t, root+"/state/"+location.SocketName)
}

// A name that is longer than a socket's address may be is reached all the same.
func TestService_AnswersAtALongPath(t *testing.T) {
	root := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	require.NoError(t, os.MkdirAll(root, 0o777))
	for _, at := range []string{t.TempDir(), root} {
		r := startService(t, at)
		st, err := os.Stat(filepath.Join(at, "state", location.SocketName))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
		code, out, errs := r.ask(t)
		require.Zero(t, code, errs)
		require.Contains(t, out, "origin web-1, starting")
		require.NoError(t, r.stop())
	}
}

// The socket of a tail that was killed is in nobody's way.
func TestService_ReplacesAnOldSocket(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(root+"/state", 0o777))
	for _, name := range []string{location.SocketName, location.SocketName + ".new"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "state", name), nil, 0o666))
	}
	r := startService(t, root)
	code, _, errs := r.ask(t)
	require.Zero(t, code, errs)
}

func TestService_Reload(t *testing.T) {
	r := startService(t, t.TempDir())
	for _, c := range []struct{ name, config, said string }{
		{"another stream", runningConfig + "# more\n", "the config was read again"},
		{"a mistake", "streams: [{name: app, format: ap}]", "unknown format"},
		{"a sink", strings.Replace(runningConfig, "lake", "pond", 1), "the sink cannot change"},
		{"a state", strings.Replace(runningConfig, "ROOT/state", "ROOT/else", 1),
			"the state cannot change"},
		{"an origin", strings.Replace(runningConfig, "web-1", "web-2", 1),
			"the origin cannot change from web-1 to web-2"},
		{"links", "symlinks: follow\n" + runningConfig, "symlinks cannot change"},
		{"a mode", "sink_mode: 0600\n" + runningConfig, "sink_mode cannot change"},
		{"a spool", "spool: {max_bytes: 1GiB}\n" + runningConfig, "spool.max_bytes cannot change"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(r.log.String())
			was := len(r.fake.reloads)
			old := r.current.Load()
			r.write(t, c.config)
			r.hangups <- syscall.SIGHUP
			r.hears(t, "RELOADING=1\nMONOTONIC_USEC=")
			if c.name == "another stream" {
				r.hears(t, "READY=1\nSTATUS=following")
				require.Len(t, r.fake.reloads, was+1)
				require.Equal(t, "web-1", r.fake.reloads[was].Streams[0].Origin)
				require.NotSame(t, old, r.current.Load())
			} else {
				r.hears(t, "READY=1\nSTATUS=following; the last reload was refused")
				require.Len(t, r.fake.reloads, was)
			}
			require.Contains(t, r.log.String()[before:], c.said)
		})
	}
	require.Contains(t, scrape(t, r.service), `logseal_reloads_total{result="refused"} 7`)
	require.Contains(t, scrape(t, r.service), "\nlogseal_config_refused 1\n")

	old := r.current.Load()
	r.fake.refusal = errors.New("another meaning")
	r.write(t, runningConfig)
	r.hangups <- syscall.SIGHUP
	r.hears(t, "RELOADING=1\nMONOTONIC_USEC=")
	r.hears(t, "READY=1\nSTATUS=following; the last reload was refused")
	require.Contains(t, r.log.String(), "another meaning")
	require.Same(t, old, r.current.Load())
}

// scrape gives what is served at /metrics.
func scrape(t *testing.T, s *service) string {
	_, body := get(t, s, "/metrics")
	return body
}

func get(t *testing.T, s *service, path string) (int, string) {
	w := httptest.NewRecorder()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	require.NoError(t, err)
	s.metricsHandler(newRegistry(s, newPutSeconds())).ServeHTTP(w, request)
	return w.Code, w.Body.String()
}

func TestService_HealthAndReadiness(t *testing.T) {
	r := startService(t, t.TempDir())
	code, body := get(t, r.service, "/healthz")
	require.Equal(t, 200, code, body)
	code, body = get(t, r.service, "/readyz")
	require.Equal(t, 503, code)
	require.Contains(t, body, "the first look at all files is not done")
	r.fake.mu.Lock()
	r.fake.is.Ready = true
	r.fake.mu.Unlock()
	code, body = get(t, r.service, "/readyz")
	require.Equal(t, 200, code)
	require.Equal(t, "ok\n", body)
	require.Contains(t, scrape(t, r.service), "\nlogseal_ready 1\n")
}

// A tail that does not answer, or does not look at its files, is not well; one that waits for the
// sink before its first look, or that ends, is.
func TestService_Pulse(t *testing.T) {
	for name, c := range map[string]struct {
		tail   *fakeTail
		ending bool
		want   bool
		why    string
	}{
		"looks": {tail: &fakeTail{is: pipeline.TailStatus{LastLook: time.Unix(1<<40, 0)}}, want: true},
		"waits": {tail: &fakeTail{}, want: true},
		"ends":  {tail: &fakeTail{is: pipeline.TailStatus{LastLook: time.Unix(1, 0)}}, ending: true, want: true},
		"is blind": {tail: &fakeTail{is: pipeline.TailStatus{LastLook: time.Unix(1, 0)}},
			why: "it does not look at its files"},
		"is stuck": {tail: &fakeTail{stuck: time.Unix(1, 0)},
			why: "nothing can be sealed or shipped: the disk is broken"},
		"is silent": {tail: &fakeTail{hangs: make(chan struct{})}, why: "it does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.tail.hangs != nil {
					c.tail.hangs = make(chan struct{})
				}
				s := &service{app: newApp(io.Discard, io.Discard), notify: &notifier{}, tail: c.tail}
				s.ending.Store(c.ending)
				s.pulse.Store(time.Now().UnixNano())
				ctx, cancel := context.WithCancel(t.Context())
				var wait sync.WaitGroup
				wait.Go(func() { s.watchPulse(ctx) })
				require.True(t, s.alive())
				<-time.After(2 * pulseMost)
				synctest.Wait()
				require.Equal(t, c.want, s.alive())
				if !c.want {
					require.Equal(t, c.why, s.complaint())
				}
				cancel()
				wait.Wait()
				if c.tail.hangs != nil {
					close(c.tail.hangs)
				}
			})
		})
	}
}

func TestService_TellsTheWatchdog(t *testing.T) {
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	n, err := newNotifier(environ("NOTIFY_SOCKET="+m.name, "WATCHDOG_USEC=20000"))
	require.NoError(t, err)
	defer n.Close()
	s := &service{app: newApp(io.Discard, io.Discard), notify: n, tail: &fakeTail{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { s.watchPulse(ctx) })
	start := time.Now()
	for range 3 {
		require.Equal(t, "WATCHDOG=1", m.hear(t))
	}
	require.Less(t, time.Since(start), pulseEvery, "as often as it is wanted")
	cancel()
	wait.Wait()
}
