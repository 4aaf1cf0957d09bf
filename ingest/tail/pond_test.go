package tail

import (
	"bytes"
	"cmp"
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

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/follow"
	"logseal/ingest/offsets"
	"logseal/ingest/parquet"
	"logseal/ingest/parse"
	"logseal/ingest/seal/sealtest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/table"
	"logseal/ingest/verify"
)

// pond is a host on which a tail runs: files in memory, a real ledger and spool, a sink in memory.
type pond struct {
	t       failer
	fs      *filestest.FS
	sink    *sinktest.Memory
	dir     string
	cfg     Config                            // what a test changes before a start
	store   func(sink.Store) sink.Store       // stands before the sink; nil for nothing
	through func(commit.Ledger) commit.Ledger // likewise
	spools  func(commit.Spool) commit.Spool   // likewise
	spool   int64                             // its limit
	framed  parse.Frame
	more    string       // of the pattern
	of      source.Table // of the stream
	others  []*pond      // on the same sink

	tail       *Tail
	dead       *atomic.Bool
	full       atomic.Bool  // the spool takes no more
	scans      atomic.Int64 // how often all sources of the ledger were asked for
	unreadable atomic.Value // a syscall.Errno: opening what is in the spool fails with it
	stop       context.CancelFunc
	done       chan struct{}
	err        error // how it ended
	ledger     *offsets.Ledger
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
		defer p.abort()
		test(t, p)
		p.end()
	})
}

// abort kills what a failed test leaves running: a bubble whose goroutines stay ends the whole
// program, and with it what the test has to say.
func (p *pond) abort() {
	for _, q := range append(p.others, p) {
		if q.tail != nil {
			q.kill()
		}
	}
}

func newPond(t testing.TB, dir string) *pond {
	fsys := filestest.New()
	return &pond{t: t, fs: fsys, sink: sinktest.NewMemory(t), dir: dir, cfg: Config{
		Config: commit.Config{Streams: []commit.Stream{{MaxBytes: 64 << 20, MaxPartitions: 64,
			Rejects: commit.RejectLimit{MaxRatio: 1}, Origin: "host"}}},
		Follow: []Follow{{MaxAge: 5 * time.Minute}},
		Grace:  20 * time.Second,
	}}
}

// warmUpOnce makes the compressors, which keep channels for good, outside of every bubble.
func warmUpOnce(t testing.TB) {
	sealtest.WarmUp(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("a1\n"), 200_000), 0o666))
	live, err := follow.Open(files.OS(), path)
	require.NoError(t, err)
	defer live.Close()
	_, err = live.Read(1 << 20)
	require.NoError(t, err)
	view, err := live.Snapshot(live.Taken(), true)
	require.NoError(t, err)
	defer view.Close()
	_, _, err = view.Marks(context.Background(), nil)
	require.NoError(t, err)
}

var errKilled = errors.New("killed")

func (p *pond) start() {
	p.tail = New(p.open())
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.done = stop, make(chan struct{})
	go func() {
		defer close(p.done)
		p.err = p.tail.Run(ctx)
	}()
	synctest.Wait()
}

// open opens ledger and spool for a tail.
func (p *pond) open() Config {
	state := filepath.Join(p.dir, "state")
	ledger, err := offsets.Open(state, offsets.Meta{Sink: "memory"})
	require.NoError(p.t, err)
	disk, err := spool.Open(filepath.Join(state, "spool"), p.spool)
	require.NoError(p.t, err)
	p.ledger, p.dead = ledger, new(atomic.Bool)
	cfg := p.cfg
	cfg.Ledger = mortalLedger{ledger, p.dead, &p.scans}
	if p.through != nil {
		cfg.Ledger = p.through(cfg.Ledger)
	}
	cfg.Spool = mortalSpool{commit.DiskSpool{Spool: disk}, p.dead, &p.full, &p.unreadable}
	if p.spools != nil {
		cfg.Spool = p.spools(cfg.Spool)
	}
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
	st.Epoch = table.NewEpoch(cmp.Or(p.of, source.Table{Stream: "s", Version: 1}), d)
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
	return cfg
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
	p.tail = nil
	require.NoError(p.t, p.ledger.Close())
	if !slices.ContainsFunc(p.others, func(q *pond) bool { return q.tail != nil && q.fs == p.fs }) {
		require.Zero(p.t, p.fs.OpenHandles())
	}
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
		k, err := table.ParseKey(key)
		if err != nil || k.Kind != table.ManifestKind && k.Kind != table.FoundKind {
			continue
		}
		m, err := table.ParseManifest(p.sink.Body(key))
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

func (p *pond) linesOf(key string) (lines []string) { return p.linesIn(key, p.sink.Body(key)) }

// linesIn gives the lines that an object with this key and body holds.
func (p *pond) linesIn(key string, body []byte) (lines []string) {
	f, err := parquet.Open(bytes.NewReader(body), int64(len(body)))
	require.NoError(p.t, err)
	name := "x"
	if strings.HasPrefix(key, "quarantine/") {
		name = "raw"
	}
	at := slices.IndexFunc(f.Columns(), func(c parquet.FileColumn) bool { return c.Name == name })
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
