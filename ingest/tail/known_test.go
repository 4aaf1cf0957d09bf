package tail

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/offsets/offsetstest"
	"logseal/ingest/sink"
)

const (
	fewKnown  = 50
	manyKnown = 5_000
)

// TestTail_KnownSources_AreNotReadAgain holds what a tail does with a ledger of many sources that
// once were against what it does with one of few. To read a source out of the ledger takes an
// allocation at least, so whatever goes through all of them cannot hide.
func TestTail_KnownSources_AreNotReadAgain(t *testing.T) {
	few, many := allocations(t, fewKnown), allocations(t, manyKnown)
	require.Len(t, many, len(few))
	for i, m := range many {
		t.Logf("%-40s %8d allocations with %d known sources, %8d with %d",
			m.what, few[i].n, fewKnown, m.n, manyKnown)
		if m.n > few[i].n+manyKnown*3/4 {
			t.Errorf("%s goes through the known sources", m.what)
		}
	}
}

// allocated is how often something allocates.
type allocated struct {
	what string
	n    uint64
}

// allocations tells how often a tail allocates in all that happens to it in a day, with n sources
// in its ledger that it knows of old.
func allocations(t *testing.T, n int) (all []allocated) {
	warmUpOnce(t)
	synctest.Test(t, func(t *testing.T) {
		p := newPond(t, t.TempDir())
		p.of, p.cfg.Streams[0].Origin = offsetstest.Table, offsetstest.Origin
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		var no atomic.Bool
		p.store = func(s sink.Store) sink.Store { return refusing{s, &no} }
		for i := range 3 {
			p.fs.Write(fmt.Sprintf("/logs/live%d", i), fmt.Appendf(nil, "a%d\n", i))
		}
		p.start()
		p.pass(time.Minute)
		p.finish()
		p.knowsOfOld(t, n)
		measure := func(what string, do func()) {
			all = append(all, allocated{what, mallocs(do)})
		}
		measure("start", func() { p.start(); p.pass(time.Minute) })
		for _, e := range p.everyday(&no) {
			measure(e.what, e.do)
		}
		p.finish()
		require.Equal(t, []string{"note deleted"}, p.losses())
	})
	return all
}

// knowsOfOld puts n sources into the ledger of a tail that does not run.
func (p *pond) knowsOfOld(t *testing.T, n int) {
	l, err := offsets.Open(filepath.Join(p.dir, "state"), offsets.Meta{Sink: "memory", Origin: "host"})
	require.NoError(p.t, err)
	offsetstest.Fill(t, l, n, nil)
	require.NoError(p.t, l.Close())
}

// event is something that happens to a host.
type event struct {
	what string
	do   func()
}

// everyday is what happens on a host that rotates its logs.
func (p *pond) everyday(no *atomic.Bool) []event {
	happens := func(what string, do func()) event {
		return event{what, func() { do(); p.pass(2 * time.Minute) }}
	}
	return []event{
		happens("nothing", func() {}),
		happens("a line", func() { p.fs.Append("/logs/live0", []byte("b1\n")) }),
		happens("a new log", func() { p.fs.Write("/logs/new", []byte("c1\nc2\n")) }),
		happens("a log that begins as another", func() { p.fs.Write("/logs/alike", []byte("c1\nc3\n")) }),
		happens("a copy", func() { p.fs.Write("/logs/copy", []byte("c1\nc2\n")) }),
		happens("an archive", func() {
			p.fs.Write("/logs/live0.gz", filestest.Gzip(p.fs.Bytes("/logs/live0")))
		}),
		happens("a rotation", func() {
			p.fs.Rename("/logs/live1", "/logs/live1.1")
			p.fs.Write("/logs/live1", []byte("d1\n"))
		}),
		happens("a log that goes", func() { p.fs.Remove("/logs/live1.1") }),
		happens("a truncation", func() {
			p.fs.Truncate("/logs/new", 0)
			p.fs.Append("/logs/new", []byte("e1\n"))
		}),
		happens("a sink that refuses", func() {
			no.Store(true)
			p.fs.Append("/logs/live0", []byte("f1\n"))
		}),
		happens("a sink that takes again", func() { no.Store(false) }),
		happens("a status", func() { p.tail.Status() }),
		happens("a reload", func() { p.reload() }),
		happens("a start after which a loss is declared", func() {
			p.fs.Append("/logs/live2", []byte("g1\n"))
			p.pass(2 * time.Second) // it is seen, and not sealed
			p.kill()
			p.fs.Remove("/logs/live2")
			p.start()
		}),
	}
}

// reload gives the tail the config that it has.
func (p *pond) reload() {
	cfg := p.cfg
	cfg.Follow = slices.Clone(cfg.Follow)
	cfg.Follow[0].Find = files.NewFinder(p.fs, []string{"/logs/*"}, nil).Find
	require.NoError(p.t, p.tail.Reload(cfg))
}

// mallocs is how often something allocates, whoever does it in this process.
func mallocs(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}
