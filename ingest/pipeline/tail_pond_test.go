package pipeline

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/verify"
)

// pond is a host on which a tail runs: files in memory, a real ledger and spool, a sink in memory.
type pond struct {
	t      failer
	fs     *filestest.FS
	sink   *sinktest.Memory
	dir    string
	cfg    TailConfig // what a test changes before a start
	store  func(sink.Store) sink.Store
	spool  int64 // its limit
	framed parse.Frame
	more   string // of the pattern

	tail   *Tail
	dead   *atomic.Bool
	full   atomic.Bool // the spool takes no more
	stop   context.CancelFunc
	done   chan struct{}
	err    error // how it ended
	ledger *offsets.Ledger
}

// failer is a test of whichever kind.
type failer interface {
	require.TestingT
	Helper()
}

// inPond runs a test in a bubble: hours pass in no time.
func inPond(t *testing.T, test func(t *testing.T, p *pond)) {
	warmUpOnce(t)
	synctest.Test(t, func(t *testing.T) {
		p := newPond(t, t.TempDir())
		test(t, p)
		p.end()
	})
}

func newPond(t testing.TB, dir string) *pond {
	fsys := filestest.New()
	return &pond{t: t, fs: fsys, sink: sinktest.NewMemory(t), dir: dir, cfg: TailConfig{
		Config: Config{Streams: []Stream{{MaxBytes: 64 << 20, MaxPartitions: 64,
			Rejects: RejectLimit{MaxRatio: 1}}}},
		Follow: []Follow{{MaxAge: 5 * time.Minute, Origin: "host"}},
		Grace:  20 * time.Second,
	}}
}

// warmUpOnce makes the compressors, which keep channels for good, outside of every bubble.
func warmUpOnce(t testing.TB) {
	newScene(t, nil, budget{})
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("a1\n"), 200_000), 0o666))
	live, err := files.OpenLive(files.OS(), path)
	require.NoError(t, err)
	defer live.Close()
	_, err = live.Read(1 << 20)
	require.NoError(t, err)
	view, err := live.View(live.Taken(), true)
	require.NoError(t, err)
	defer view.Close()
	_, _, err = view.Marks(context.Background(), nil)
	require.NoError(t, err)
}

// mortal is a ledger, spool and store that do nothing any more once their process is dead.
type mortalStore struct {
	sink.Store
	dead *atomic.Bool
}

var errKilled = errors.New("killed")

func (s mortalStore) Put(ctx context.Context, o sink.Object) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.Store.Put(ctx, o)
}

type mortalLedger struct {
	Ledger
	dead *atomic.Bool
}

func (l mortalLedger) Update(key source.Key, fn func(*offsets.Source) error) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.Update(key, fn)
}

func (l mortalLedger) Delete(key source.Key) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.Delete(key)
}

func (l mortalLedger) PutFile(t source.Table, some ...offsets.FileRecord) error {
	if l.dead.Load() {
		return errKilled
	}
	return l.Ledger.PutFile(t, some...)
}

type mortalSpool struct {
	DiskSpool
	dead, full *atomic.Bool
}

func (s mortalSpool) Reserve(ctx context.Context, n int64) (func(), error) {
	for s.full.Load() {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.DiskSpool.Reserve(ctx, n)
}

func (s mortalSpool) Stage() (Stage, error) {
	if s.dead.Load() {
		return nil, errKilled
	}
	stage, err := s.DiskSpool.Stage()
	return mortalStage{stage, s.dead}, err
}

func (s mortalSpool) Remove(name string) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.DiskSpool.Remove(name)
}

type mortalStage struct {
	Stage
	dead *atomic.Bool
}

func (s mortalStage) Commit(name string, objects []string, manifest []byte) error {
	if s.dead.Load() {
		return errKilled
	}
	return s.Stage.Commit(name, objects, manifest)
}

func (p *pond) start() {
	state := filepath.Join(p.dir, "state")
	ledger, err := offsets.Open(state, offsets.Meta{Sink: "memory", Origin: "host"})
	require.NoError(p.t, err)
	disk, err := spool.Open(filepath.Join(state, "spool"), p.spool)
	require.NoError(p.t, err)
	p.ledger, p.dead = ledger, new(atomic.Bool)
	cfg := p.cfg
	cfg.Ledger = mortalLedger{ledger, p.dead}
	cfg.Spool = mortalSpool{DiskSpool{disk}, p.dead, &p.full}
	var store sink.Store = p.sink
	if p.store != nil {
		store = p.store(store)
	}
	cfg.Store, cfg.FS = mortalStore{store, p.dead}, p.fs
	d, err := parse.FromPattern(`(?P<x>[a-z]\d+)` + p.more)
	require.NoError(p.t, err)
	if p.framed != parse.NoFrame {
		d = parse.Framed(p.framed, d, nil)
	}
	st := &cfg.Streams[0]
	st.Epoch = seal.NewEpoch(source.Table{Stream: "s", Version: 1}, d)
	st.Parser, err = parse.New(d)
	require.NoError(p.t, err)
	cfg.Follow = slices.Clone(cfg.Follow)
	if cfg.Follow[0].Find == nil {
		cfg.Follow[0].Find = files.NewFinder(p.fs, []string{"/logs/*"}, nil).Find
	}
	if os.Getenv("TAIL_LOG") != "" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr,
			&slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	p.tail = NewTail(cfg)
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.done = stop, make(chan struct{})
	go func() {
		defer close(p.done)
		p.err = p.tail.Run(ctx)
	}()
	synctest.Wait()
}

func (p *pond) forgetState() { require.NoError(p.t, os.RemoveAll(filepath.Join(p.dir, "state"))) }

// spoolIsFull lets nothing more be sealed.
func (p *pond) spoolIsFull(yes bool) { p.full.Store(yes) }

// finish ends the tail in good order.
func (p *pond) finish() {
	p.stop()
	<-p.done
	require.NoError(p.t, p.err)
	p.gone()
}

// kill ends it as SIGKILL does: nothing it is at has any more effect.
func (p *pond) kill() {
	p.dead.Store(true)
	p.tail.fail(errKilled)
	p.stop()
	<-p.done
	p.gone()
}

func (p *pond) gone() {
	require.NoError(p.t, p.ledger.Close())
	require.Zero(p.t, p.fs.OpenHandles())
	p.tail = nil
}

func (p *pond) end() {
	if p.tail != nil {
		p.finish()
	}
}

// pass lets time pass.
func (p *pond) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// lines gives the lines in the sink that manifests name, rows and rejects, sorted.
func (p *pond) lines() []string {
	var all []string
	for _, key := range p.sink.Keys() {
		k, err := seal.ParseKey(key)
		if err != nil || k.Kind != seal.ManifestKind && k.Kind != seal.FoundKind {
			continue
		}
		m, err := seal.ParseManifest(p.sink.Body(key))
		if err != nil {
			continue // a declared loss
		}
		for _, o := range m.Objects {
			all = append(all, p.linesOf(o.Key)...)
		}
	}
	slices.Sort(all)
	return all
}

func (p *pond) linesOf(key string) (lines []string) {
	body := p.sink.Body(key)
	f, err := seal.OpenParquet(bytes.NewReader(body), int64(len(body)))
	require.NoError(p.t, err)
	name := "x"
	if strings.HasPrefix(key, "quarantine/") {
		name = "raw"
	}
	at := slices.IndexFunc(f.Columns(), func(c seal.FileColumn) bool { return c.Name == name })
	for g := range f.Groups() {
		v, err := f.Column(g, at)
		require.NoError(p.t, err)
		for i := range v.Len() {
			lines = append(lines, strings.TrimSuffix(string(v.Value(i)), "\n"))
		}
	}
	return lines
}

// wantLines demands just these lines, each once, and a sink without a fault.
func (p *pond) wantLines(want ...string) {
	p.t.Helper()
	slices.Sort(want)
	require.Equal(p.t, want, p.lines())
	p.verify()
}

func (p *pond) verify() *verify.Report {
	p.t.Helper()
	r, err := verify.Run(context.Background(), verify.Options{Store: p.sink,
		Spool: func() ([]spool.Entry, error) {
			return spool.List(filepath.Join(p.dir, "state", "spool"))
		}})
	require.NoError(p.t, err)
	require.True(p.t, r.OK, "%+v", r)
	return r
}
