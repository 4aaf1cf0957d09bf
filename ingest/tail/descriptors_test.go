package tail

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/table"
)

// fewFiles lets a tail have few files open at once.
func (p *pond) fewFiles(most int) { p.cfg.OpenFiles = most }

// There are many more files than may be open: all of them ship, whether they are idle or are written to, and
// never more are open than may be.
func TestTail_MoreFilesThanDescriptors(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(3)
		p.cfg.Follow[0].MaxAge = time.Minute
		var want []string
		write := func(i, n int) {
			line := fmt.Sprintf("a%02d%02d", i, n)
			want = append(want, line)
			p.fs.Append(fmt.Sprintf("/logs/%02d", i), []byte(line+"\n"))
		}
		pass := func(d time.Duration) {
			for range int(d / time.Second) {
				p.pass(time.Second)
				require.LessOrEqual(t, p.fs.OpenHandles(), 3)
			}
		}
		for i := range 40 {
			p.fs.Write(fmt.Sprintf("/logs/%02d", i), nil)
			write(i, 0)
		}
		p.start()
		pass(3 * time.Minute)
		p.wantLines(want...)
		require.Equal(t, []commit.Kind{commit.Scarce}, kindsOf(p.problems()))
		for n := range 5 { // all are written to all the time
			for i := range 40 {
				write(i, n+1)
			}
			pass(10 * time.Second)
		}
		pass(5 * time.Minute)
		slices.Sort(want)
		p.wantLines(want...)
		require.Zero(t, p.tail.Status().OldestUnsealed)
		for i := 3; i < 40; i++ {
			p.fs.Remove(fmt.Sprintf("/logs/%02d", i))
		}
		pass(3 * time.Minute)
		require.Empty(t, p.problems())
		require.Empty(t, p.losses())
	})
}

func kindsOf(problems []commit.Problem) (kinds []commit.Kind) {
	for _, p := range problems {
		kinds = append(kinds, p.Kind)
	}
	return kinds
}

// slowPuts is a sink that takes its time.
type slowPuts struct{ sink.Store }

func (s slowPuts) Put(ctx context.Context, o sink.Object) error {
	time.Sleep(400 * time.Millisecond)
	return s.Store.Put(ctx, o)
}

// One file is written to all the time: it has its turn as the others have, and is not sealed more often for
// that than turns end.
func TestTail_BusyFileEndsItsTurn(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.store = func(s sink.Store) sink.Store { return slowPuts{s} } // it is written to meanwhile
		p.cfg.Follow[0].MaxAge = 5 * time.Minute
		p.fs.Write("/logs/a", []byte("a0\n"))
		p.start()
		p.pass(100 * time.Millisecond)
		p.fs.Write("/logs/b", []byte("b1\n"))
		want := []string{"a0", "b1"}
		for i := range 600 {
			want = append(want, fmt.Sprintf("a%d", i+1))
			p.fs.Append("/logs/a", fmt.Appendf(nil, "a%d\n", i+1))
			p.pass(330 * time.Millisecond)
			if i == 60 {
				require.Contains(t, p.lines(), "b1")
			}
		}
		require.Less(t, len(p.sink.Keys()), 40)
		p.pass(time.Hour)
		p.wantLines(want...)
	})
}

// A file that is halted does not keep its descriptor, and is not judged more often than it would be with enough.
func TestTail_HaltedFileEndsItsTurn(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.cfg.Streams[0].Rejects = commit.RejectLimit{MaxRatio: 0.1, MinRecords: 2, Halt: true}
		p.fs.Write("/logs/a", []byte("??\n??\n??\n"))
		p.start()
		p.pass(time.Second)
		p.fs.Write("/logs/b", []byte("b1\n"))
		p.pass(30 * time.Minute)
		require.Contains(t, p.lines(), "b1")
		require.Less(t, p.tail.Status().Streams["s"].ReadBytes, int64(40), "once each ten minutes")
		require.Contains(t, kindsOf(p.problems()), commit.Halted)
	})
}

// The sink is away for long: files have their turns all the same, what they had waits in the spool.
func TestTail_TurnsWhileTheSinkIsAway(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.fs.Write("/logs/b", []byte("b1\n"))
		p.start()
		p.pass(5 * time.Minute)
		p.wantLines("a1", "b1")
		down.Store(true)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.fs.Append("/logs/b", []byte("b2\n"))
		p.pass(10 * time.Minute)
		require.Len(t, p.spooled(), 2)
		p.fs.Remove("/logs/a")
		p.fs.Remove("/logs/b")
		p.pass(10 * time.Minute)
		down.Store(false)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "b1", "b2")
		require.Empty(t, p.losses())
	})
}

// Archives are read by turns, too, and once all that is followed fits the problem goes.
func TestTail_ScarceIsOver(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(2)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		want := []string{"b1"}
		for i := range 8 {
			want = append(want, fmt.Sprintf("a%d", i))
			p.fs.Write(fmt.Sprintf("/logs/%d.gz", i), filestest.Gzip(fmt.Appendf(nil, "a%d\n", i)))
		}
		p.fs.Write("/logs/live", []byte("b1\n"))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines(want...)
		require.Empty(t, p.problems())
	})
}

// A file waits for its turn while what was seen of its source is missing: that is no loss.
func TestTail_WaitsForItsTurnWhileMissing(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.cfg.CopyWait = 10 * time.Minute
		p.fs.Write("/logs/b", []byte("b1\nb2"))
		p.start()
		p.pass(time.Minute)
		p.kill()
		p.fs.Rename("/logs/b", "/other/c")
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.fewFiles(1)
		p.start()
		p.pass(2 * time.Second)
		p.tail.mu.Lock()
		for _, f := range p.tail.table {
			f.waited++ // somebody holds on to the only descriptor
		}
		p.tail.mu.Unlock()
		p.fs.Rename("/other/c", "/logs/c")
		p.pass(time.Hour)
		require.Empty(t, p.losses())
	})
}

// Of a file without a whole line nothing would be left if it were deleted while it is closed: sources are
// closed before it.
func TestTail_WhatIsNoSourceYetStaysOpen(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(2)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("half"))
		p.start()
		p.pass(time.Minute)
		for i := range 5 {
			p.fs.Write(fmt.Sprintf("/logs/z%d", i), fmt.Appendf(nil, "z%d\n", i))
			p.pass(10 * time.Second)
		}
		p.fs.Remove("/logs/a")
		p.pass(time.Hour)
		p.wantLines("half", "z0", "z1", "z2", "z3", "z4")
	})
}

// A file without a whole line is of no source yet: that it is gone unread is said and counted.
func TestTail_GoneBeforeItsTurn(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("half"))
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/z", []byte("z1\n"))
		p.pass(5 * time.Minute)
		p.fs.Remove("/logs/a")
		p.pass(time.Hour)
		p.wantLines("z1")
		require.Equal(t, int64(4), p.tail.Status().Streams["s"].LostBytes[table.Deleted])
	})
}

// Whatever happens to files, as many are counted as are open, and nobody waits for ever.
func TestTail_DescriptorsAreCounted(t *testing.T) {
	for seed := range uint64(4) {
		inPond(t, func(t *testing.T, p *pond) {
			p.fewFiles(2)
			p.cfg.Follow[0].MaxAge = 5 * time.Second
			p.cfg.CopyWait = 10 * time.Minute
			p.start()
			p.stir(rand.New(rand.NewPCG(seed, 1)), 200)
			p.pass(20 * time.Minute)
			p.tail.mu.Lock()
			defer p.tail.mu.Unlock()
			open, waiting, held := 0, 0, int64(0)
			for _, f := range p.tail.allFiles() {
				if f.live != nil {
					open++
					held += f.heldNow
				}
				if f.turn.waits || f.turn.granted {
					waiting++
				}
			}
			require.Equal(t, open, p.tail.scheduler.descriptors.open)
			require.Equal(t, open, p.fs.OpenHandles())
			require.Equal(t, held, p.tail.memory.held.Load())
			require.Zero(t, waiting)
			for _, away := range p.tail.shelf.away {
				for f := range away {
					require.Equal(t, isRead, f.view.state)
				}
			}
		})
	}
}

// stir does things to files at random.
func (p *pond) stir(r *rand.Rand, n int) {
	line := func(i int) []byte { return fmt.Appendf(nil, "a%d\n", i) }
	for i := range n {
		all := p.fs.Paths()
		k, path := 0, ""
		if len(all) > 0 {
			k, path = r.IntN(9), all[r.IntN(len(all))]
		}
		switch k {
		case 0, 1:
			p.fs.Write(fmt.Sprintf("/logs/%03d", i), line(i))
		case 2:
			p.fs.Write(fmt.Sprintf("/logs/%03d.gz", i), filestest.Gzip(line(i)))
		case 3:
			p.fs.Write(fmt.Sprintf("/logs/%03d.x", i), []byte("PK\x03\x04abcdefgh\x00\x00\x00"))
		case 4, 5:
			p.fs.Append(path, line(i))
		case 6:
			p.fs.Rename(path, path+".1")
		case 7:
			p.fs.Overwrite(path, line(i))
		case 8:
			p.fs.Remove(path)
		}
		p.pass(time.Duration(r.IntN(3000)) * time.Millisecond)
		require.LessOrEqual(p.t, p.fs.OpenHandles(), 4) // two are looked at on the side
	}
}

// Two archives begin alike and the spool has lost both, the one that ships first is gone and comes back as another
// file: the one that waits for it leaves it the only descriptor. Comes it back just when its bytes are declared
// lost, they are taken back.
func TestTail_ArchiveThatWaitsForAnotherEndsItsTurn(t *testing.T) {
	for _, after := range []time.Duration{10 * time.Second, time.Minute} {
		inPond(t, func(t *testing.T, p *pond) {
			var down atomic.Bool
			p.fewFiles(1)
			p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
			first, second := "h0\na1\na2\n", "h0\nb1\nb2\n"
			p.fs.Write("/logs/first.gz", filestest.Gzip([]byte(first)))
			p.start()
			down.Store(true)
			p.pass(time.Minute)
			p.fs.Write("/logs/second.gz", filestest.Gzip([]byte(second)))
			p.pass(time.Minute)
			require.Len(t, p.spooled(), 2)
			p.kill()
			p.fs.Remove("/logs/first.gz")
			require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool")))
			down.Store(false)
			p.start()
			p.pass(after)
			p.fs.Write("/logs/again.gz", filestest.Gzip([]byte(first)))
			p.pass(time.Hour)
			p.wantLines("a1", "a2", "b1", "b2", "h0", "h0")
		})
	}
}

// An archive that ends its turn while its source waits has more than what is sealed of it: the rest is read once
// the source has shipped.
func TestTail_ArchiveThatEndsItsTurnIsReadToItsEnd(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.fewFiles(1)
		p.cfg.Streams[0].MaxBytes = 3000
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		known, first, second := p.haveLedger(), filestest.SameHead("a", 10), filestest.SameHead("b", 1000)
		p.start()
		p.pass(time.Minute)
		down.Store(true)
		p.fs.Write("/logs/first.gz", filestest.Gzip(first))
		p.pass(time.Minute)
		p.fs.Write("/logs/second.gz", filestest.Gzip(second))
		p.pass(time.Minute)
		require.True(t, p.hasMore("/logs/second.gz"))
		third := []byte("c1\n")
		p.fs.Write("/logs/third", third) // waits for the descriptor
		p.pass(10 * time.Minute)
		down.Store(false)
		p.pass(time.Hour)
		p.wantLogs(known, first, second, third)
	})
}

// hasMore reports whether the tail takes a file that it has open for one of which more is to be read.
func (p *pond) hasMore(path string) bool {
	p.tail.mu.Lock()
	var f *logFile
	for _, x := range p.tail.table {
		if x.path == path {
			f = x
		}
	}
	p.tail.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	_, more, err := p.tail.shelf.lastLook(f)
	require.NoError(p.t, err)
	return more
}
