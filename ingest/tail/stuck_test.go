package tail

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

func TestTail_LossIsNotDeclaredOnceTheFileIsBack(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		down.Store(true)
		p.fs.Rename("/logs/a", "/away/a")
		p.start()
		p.pass(3 * time.Minute) // a loss waits for the sink
		p.fs.Rename("/away/a", "/logs/a")
		p.pass(time.Minute)
		down.Store(false)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.losses())
	})
}

func TestTail_RefusedIsForgottenOnceItIsMended(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var no atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return refusing{s, &no} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		no.Store(true)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(time.Minute)
		require.NotEmpty(t, p.tail.Status().Problems)
		no.Store(false)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		require.Empty(t, p.tail.Status().Problems)
	})
}

type refusing struct {
	sink.Store
	no *atomic.Bool
}

func (s refusing) Put(ctx context.Context, o sink.Object) error {
	if s.no.Load() {
		return &sink.RefusedError{Err: fmt.Errorf("403")}
	}
	return s.Store.Put(ctx, o)
}

func TestTail_ManyRetriesOfOneLane(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var n atomic.Int64
		var on atomic.Bool
		p.cfg.Follow[0].MaxAge = time.Second
		p.store = func(s sink.Store) sink.Store { return breaking{s, &on, &n} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		on.Store(true)
		for range 300 {
			p.fs.Append("/logs/a", []byte("a2\n"))
			p.pass(2 * time.Second)
		}
		n.Store(0)
		p.pass(10 * time.Minute) // nothing is written any more: at most one try a minute is due
		require.LessOrEqual(t, n.Load(), int64(30))
		on.Store(false)
		p.pass(5 * time.Minute)
	})
}

type breaking struct {
	sink.Store
	on *atomic.Bool
	n  *atomic.Int64
}

func (s breaking) Put(ctx context.Context, o sink.Object) error {
	if s.on.Load() {
		s.n.Add(1)
		return fmt.Errorf("no")
	}
	return s.Store.Put(ctx, o)
}

func TestTail_NotWantedWhenTheDiskIsFullAtFirst(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		defer diskIsFull.Store(false)
		diskIsFull.Store(true)
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(time.Minute)
		diskIsFull.Store(false)
		p.pass(time.Minute)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(6 * time.Minute)
		p.wantLines("a3")
	})
}

func TestTail_StartAtEndKilledHalfWay(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].StartAtEnd = true
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.fs.Write("/logs/b", []byte("b1\nb2\n"))
		p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
			if op == filestest.OpOpen && path == "/logs/b" {
				return fmt.Errorf("slow")
			}
			return nil
		})
		p.start()
		p.pass(2 * time.Second)
		p.kill()
		p.fs.SetFault(nil)
		p.start()
		p.pass(6 * time.Minute)
		require.Empty(t, p.lines())
	})
}

// Memory is full, so the last lines are seen and not read; a copy has some of them.
func TestTail_CopyThatLacksTheEndOfATruncatedFile(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.HoldBytes = 64 << 10
		p.cfg.Follow[0].MaxAge = 10 * time.Minute
		p.cfg.Streams[0].Rejects = commit.RejectLimit{MaxRatio: 0.1, MinRecords: 100, Halt: true}
		bad := make([]byte, 0, 200<<10)
		for i := range 20000 {
			bad = fmt.Appendf(bad, "%08x!\n", uint32(i)*2654435761)
		}
		p.fs.Write("/logs/bad", bad)
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/good", []byte("a1\na2\n"))
		p.pass(time.Minute)
		p.fs.Append("/logs/good", []byte("a3\n"))
		p.fs.Write("/away/good.1", p.fs.Bytes("/logs/good"))
		p.fs.Append("/logs/good", []byte("a4\n"))
		p.pass(10 * time.Second)
		p.fs.Rename("/away/good.1", "/logs/good.1")
		p.fs.Truncate("/logs/good", 0)
		p.pass(15 * time.Minute)
		require.True(t, strings.Contains(fmt.Sprint(p.lines()), "a4") || len(p.losses()) > 0)
	})
}

func TestTail_HaltedSourcesStarveTheOthers(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.HoldBytes = 64 << 10
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.cfg.Streams[0].Rejects = commit.RejectLimit{MaxRatio: 0.1, MinRecords: 1, Halt: true}
		bad := make([]byte, 0, 200<<10)
		for i := range 20000 {
			bad = fmt.Appendf(bad, "%08x!\n", uint32(i)*2654435761)
		}
		p.fs.Write("/logs/bad", bad)
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/good", []byte("a1\na2\n"))
		p.pass(time.Minute)
		p.fs.Append("/logs/good", []byte("a3\na4\n"))
		p.pass(time.Hour)
		require.Equal(t, []string{"a1", "a2", "a3", "a4"}, p.lines())
	})
}

func TestTail_StreamAddedByReload(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		d, err := parse.FromPattern(`(?P<x>[a-z]\d+)`)
		require.NoError(t, err)
		parser, err := parse.New(d)
		require.NoError(t, err)
		p.fs.Write("/more/b", []byte("b1\n"))
		cfg := p.cfg
		one := p.cfg.Streams[0]
		two := one
		two.Epoch, two.Parser = table.NewEpoch(source.Table{Stream: "two", Version: 1}, d), parser
		cfg.Streams = []commit.Stream{one, two}
		f1 := p.cfg.Follow[0]
		f1.Find = files.NewFinder(p.fs, []string{"/logs/*"}, nil).Find
		f2 := f1
		f2.StartAtEnd = true
		f2.Find = files.NewFinder(p.fs, []string{"/more/*"}, nil).Find
		cfg.Follow = []Follow{f1, f2}
		require.NoError(t, p.tail.Reload(cfg))
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"a1"}, p.lines())
	})
}

func TestTail_GoneAndBackIsNotFinal(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Append("/logs/a", []byte("a2\na"))
		p.fs.Rename("/logs/a", "/away/a")
		p.pass(30 * time.Second)
		p.spoolIsFull(true)
		p.pass(2 * time.Minute)
		p.fs.Rename("/away/a", "/logs/a")
		p.pass(10 * time.Second)
		p.spoolIsFull(false)
		p.pass(time.Minute)
		p.fs.Append("/logs/a", []byte("3\na4\n"))
		p.pass(time.Minute)
		p.wantLines("a1", "a2", "a3", "a4")
	})
}

func TestTail_LanesGo(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 2 * time.Second
		p.start()
		for i := range 30 {
			path := fmt.Sprintf("/logs/%d", i)
			p.fs.Write(path, fmt.Appendf(nil, "a%d\n", i))
			p.pass(10 * time.Second)
			p.fs.Remove(path)
			p.pass(10 * time.Second)
		}
		p.pass(10 * time.Minute)
		p.tail.mu.Lock()
		n := len(p.tail.uploader.lanes)
		p.tail.mu.Unlock()
		require.Zero(t, n)
	})
}

func TestTail_WaitingForALowerSourceIsSaid(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var on atomic.Bool
		var n atomic.Int64
		on.Store(true)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return keyBreaking{s, &on, &n} }
		p.fs.Write("/logs/a", []byte("h1\n"+strings.Repeat("a1\n", 100)))
		p.fs.Write("/logs/b", []byte("h1\n"+strings.Repeat("b1\n", 100)))
		p.start()
		p.pass(10 * time.Minute)
		require.NotEmpty(t, p.tail.Status().Problems)
		on.Store(false)
		p.pass(10 * time.Minute)
	})
}

// keyBreaking fails to put the data of k 0.
type keyBreaking struct {
	sink.Store
	on *atomic.Bool
	n  *atomic.Int64
}

func (s keyBreaking) Put(ctx context.Context, o sink.Object) error {
	if s.on.Load() && strings.HasPrefix(o.Key, "data/") {
		return &sink.ConflictError{Key: o.Key}
	}
	return s.Store.Put(ctx, o)
}

// refusingSome refuses what comes from some files, as a policy on a prefix does.
type refusingSome struct {
	sink.Store
	part string // of the path
	no   *atomic.Bool
}

func (s refusingSome) Put(ctx context.Context, o sink.Object) error {
	if s.no.Load() && strings.Contains(o.Meta["logseal-path"], s.part) {
		return &sink.RefusedError{Err: fmt.Errorf("403"), Fix: "mend it"}
	}
	return s.Store.Put(ctx, o)
}

// There are more sources that the sink refuses than are shipped at once: they must leave room for
// the others.
func TestTail_RefusedSourcesLeaveTheOthersAlone(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var no atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: refusingSome{s, "bad", &no}} }
		var all []string
		for i := range 2*commit.ShippedAtOnce + 1 {
			all = append(all, fmt.Sprintf("b%d", i))
			p.fs.Write(fmt.Sprintf("/logs/bad%d", i), fmt.Appendf(nil, "b%d\n", i))
		}
		no.Store(true)
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/good", []byte("g1\n"))
		p.pass(10 * time.Minute)
		p.wantLines("g1")
		no.Store(false)
		p.pass(10 * time.Minute)
		p.wantLines(append(all, "g1")...)
	})
}

// Lines without an end stay in memory, since nobody knows their end. When they alone fill it, what
// ends them has to be read all the same.
func TestTail_HalfLinesThatFillTheMemoryAreReadOn(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		const logs = 120
		p.cfg.HoldBytes = 100 << 10
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		want := []string{"n1"}
		for i := range logs {
			half := strings.Repeat("x", 900+i)
			want = append(want, fmt.Sprintf("a%d", i), half, "c1")
			p.fs.Write(fmt.Sprintf("/logs/f%d", i), fmt.Appendf(nil, "a%d\n%s", i, half))
		}
		p.start()
		p.pass(2 * time.Minute)
		for i := range logs {
			p.fs.Append(fmt.Sprintf("/logs/f%d", i), []byte("\nc1\n"))
		}
		p.fs.Write("/logs/new", []byte("n1\n"))
		p.pass(30 * time.Minute)
		p.wantLogs([]byte(strings.Join(want, "\n") + "\n"))
	})
}
