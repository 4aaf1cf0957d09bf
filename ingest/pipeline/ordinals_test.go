package pipeline

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// These tests are about ordinals that somebody holds and cannot use, so that logs which begin alike
// wait for nothing.

// halfAlike begins as sameHead does and stops within its second line.
func halfAlike() []byte {
	head, _, _ := bytes.Cut(sameHead("a", 300), []byte("\n"))
	return append(bytes.Clone(head), "\nb"...)
}

func TestOrdinals_HalfSecondLine(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		a, c := sameHead("a", 300), sameHead("c", 300)
		p.fs.Write("/logs/a", a)
		p.start()
		p.pass(5 * time.Minute)
		b := halfAlike()
		p.fs.Write("/logs/b", b)
		p.pass(5 * time.Minute)
		p.fs.Write("/logs/c", c)
		p.pass(3 * time.Hour)
		p.wantLogs(a, c)
		p.fs.Append("/logs/b", []byte("2\nb3\n"))
		p.pass(3 * time.Hour)
		p.wantLogs(a, c, append(b, "2\nb3\n"...))
	})
}

func TestOrdinals_CutOffArchive(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		a, c := sameHead("a", 300), sameHead("c", 300)
		p.fs.Write("/logs/a", a)
		p.start()
		p.pass(5 * time.Minute)
		p.fs.Write("/logs/b.gz", gzippedOpen(halfAlike()))
		p.pass(3 * time.Hour)
		p.fs.Write("/logs/c", c)
		p.pass(6 * time.Hour)
		p.wantLogs(a, c)
	})
}

// gzippedOpen is a gzip member that lacks its end.
func gzippedOpen(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Flush()
	return buf.Bytes()
}

// Another loader wins ordinal 0 while ours has sealed another log as that and shipped nothing.
func TestOrdinals_LoadOfTheWinner(t *testing.T) {
	for _, names := range [][]string{{"l"}, {"m"}, {"l", "m"}} {
		t.Run(strings.Join(names, ""), func(t *testing.T) {
			b := newYard(t)
			b.write("l", sameHead("l", 300))
			b.write("m", sameHead("m", 200))
			b.sealUnshipped(t, "m")
			b.asAnother(t, func() {
				_, err := b.run(context.Background(), "l")
				require.NoError(t, err)
			})
			_, err := b.run(context.Background(), names...)
			require.NoError(t, err)
			r, err := b.run(context.Background(), "l", "m")
			require.NoError(t, err)
			require.Empty(t, r.Problems)
			if len(names) == 1 && names[0] == "l" {
				require.EqualValues(t, 201, r.Rows)
			}
		})
	}
}

// The path of a waiting source is a folder by now: others are loaded nevertheless.
func TestOrdinals_PathIsAFolder(t *testing.T) {
	b := newYard(t)
	l := sameHead("l", 300)
	b.write("m", sameHead("m", 200))
	b.write("s", l[:bytes.IndexByte(l, '\n')+1])
	b.write("o", []byte("o1\n"))
	b.sealUnshipped(t, "m")
	b.asAnother(t, func() {
		_, err := b.run(context.Background(), "s")
		require.NoError(t, err)
	})
	require.NoError(t, os.Remove(b.path("m")))
	require.NoError(t, os.Mkdir(b.path("m"), 0o777))
	r, err := b.run(context.Background(), "o")
	require.NoError(t, err)
	require.EqualValues(t, 1, r.Rows)
	require.NotEmpty(t, r.Problems)
	require.Equal(t, Gone, r.Problems[0].Kind)
}

// sealUnshipped loads a log while no manifest can be put.
func (b *yard) sealUnshipped(t *testing.T, name string) {
	var down atomic.Bool
	b.over = func(s sink.Store) sink.Store { return manifestsFail{s, &down} }
	down.Store(true)
	_, err := b.run(context.Background(), name)
	require.ErrorIs(t, err, errNoManifests)
	down.Store(false)
}

// asAnother runs a load that has a state folder of its own.
func (b *yard) asAnother(t *testing.T, load func()) {
	ours, kept := filepath.Join(b.root, "state"), filepath.Join(b.root, "kept")
	require.NoError(t, os.Rename(ours, kept))
	load()
	require.NoError(t, os.RemoveAll(ours))
	require.NoError(t, os.Rename(kept, ours))
}

type manifestsFail struct {
	sink.Store
	down *atomic.Bool
}

var errNoManifests = errors.New("no manifest can be put")

func (s manifestsFail) Put(ctx context.Context, o sink.Object) error {
	if s.down.Load() && strings.HasPrefix(o.Key, "manifests/") {
		return errNoManifests
	}
	return s.Store.Put(ctx, o)
}

// While the sink is away a short log and a long one are told apart; the short one has ordinal 0 here,
// and the long one has it in the sink.
func TestOrdinals_ShortAndLongWhileTheSinkIsAway(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		l := sameHead("x", 300)
		m := sameHead("y", 300)[:15]
		m = m[:bytes.LastIndexByte(m, '\n')+1]
		p.haveCommitted(t, l)
		z := p.haveLedger()
		down.Store(true)
		p.fs.Write("/logs/m", m)
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/l", l)
		p.pass(time.Minute)
		down.Store(false)
		p.pass(6 * time.Hour)
		more := "x9999\n"
		p.fs.Append("/logs/l", []byte(more))
		p.pass(6 * time.Hour)
		p.wantLogs(z, m, append(bytes.Clone(l), more...))
	})
}

// A log that was seen and is no longer followed holds up none that begins alike.
func TestOrdinals_SeenAndNoLongerFollowed(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		a, b := sameHead("a", 300), sameHead("b", 300)
		p.fs.Write("/logs/a", a)
		p.start()
		p.pass(2 * time.Minute) // seen, not sealed
		p.kill()
		p.cfg.Follow[0].Find = files.NewFinder(p.fs, []string{"/logs/b*"}, nil).Find
		p.fs.Write("/logs/b", b)
		p.start()
		p.pass(48 * time.Hour)
		p.wantLogs(b)
	})
}

// What is set apart is in the spool: nothing of it is declared lost.
func TestOrdinals_SetApartIsNotLost(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		x := sameHead("x", 300)
		p.haveCommitted(t, x)
		p.haveLedger()
		down.Store(true)
		p.fs.Write("/logs/l", sameHead("y", 200))
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/m", x[:21])
		p.pass(time.Minute)
		p.kill()
		p.fs.Remove("/logs/m")
		p.fs.Remove("/logs/l")
		down.Store(false)
		p.start()
		p.untilSetApart(t)
		p.kill()
		p.start()
		p.pass(6 * time.Hour)
		require.Empty(t, p.losses())
		held, err := p.tail.Spool.Held()
		require.NoError(t, err)
		require.NotEmpty(t, held)
	})
}

func (p *pond) untilSetApart(t *testing.T) {
	for range 60000 {
		held, err := p.tail.Spool.Held()
		require.NoError(t, err)
		if len(held) > 0 {
			return
		}
		synctest.Wait()
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("nothing was set apart")
}

// A batch is in the spool whose place the sink has passed with other bytes: a crash just after the
// source had gone on behind a short batch of others leaves that. Its file is gone, so it is all there
// is of it.
func TestOrdinals_OvertakenByAnotherLogIsHeld(t *testing.T) {
	l, m := sameHead("l", 300), sameHead("m", 200)
	b, elsewhere := newYard(t), newYard(t)
	elsewhere.write("m", m)
	elsewhere.sealUnshipped(t, "m")
	b.write("h", l[:bytes.IndexByte(l, '\n')+1])
	b.load("h")
	b.giveSpool(t, elsewhere)
	b.write("l", l)
	b.asAnother(t, func() { b.load("l") })
	b.write("o", []byte("o1\n"))
	r, err := b.run(context.Background(), "o")
	require.NoError(t, err)
	require.Equal(t, []Kind{Gone}, b.kinds(r), "as long as h may be the source of the batch it waits")
	require.NoError(t, os.Remove(b.path("h")))
	r, err = b.run(context.Background(), "o")
	require.NoError(t, err)
	require.Contains(t, b.kinds(r), Gone)
	held, err := filepath.Glob(filepath.Join(b.root, "state", "spool", "held", "*"))
	require.NoError(t, err)
	require.Len(t, held, 1)
}

// Others have loaded the very log in other batches: nothing of ours has to be held.
func TestOrdinals_OvertakenByTheSameLogIsDropped(t *testing.T) {
	for _, others := range []int64{50, 1000, 1 << 20} {
		b := newYard(t)
		b.write("m", sameHead("m", 200))
		b.cfg.Streams[0].MaxBytes = 130
		b.sealUnshipped(t, "m")
		b.cfg.Streams[0].MaxBytes = others
		b.asAnother(t, func() {
			_, err := b.run(context.Background(), "m")
			require.NoError(t, err)
		})
		b.cfg.Streams[0].MaxBytes = 130
		require.Empty(t, b.load("m").Problems)
		for _, name := range b.inSpool() {
			require.NotContains(t, name, "held")
		}
	}
}

// A batch of the spool is passed by what was cut otherwise of the very file, and we died before it was
// dropped. The file is asked, wherever it is by now; it is all that is left only when there is none.
func TestOrdinals_OvertakenByOwnCutAsksTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		now  string
		want Kind
	}{
		"there": {"m", ""}, "moved": {"m.1", ""}, "gone": {"", Gone},
	} {
		t.Run(name, func(t *testing.T) {
			b, before := newYard(t), newYard(t)
			m := sameHead("m", 200)
			before.cfg.Streams[0].MaxBytes = 1000
			before.write("m", m)
			before.sealUnshipped(t, "m")
			b.cfg.Streams[0].MaxBytes = 130
			b.write("m", m)
			b.load("m")
			b.giveSpool(t, before)
			b.write("o", []byte("o1\n"))
			read := []string{"o"}
			if c.now == "" {
				require.NoError(t, os.Remove(b.path("m")))
			} else {
				require.NoError(t, os.Rename(b.path("m"), b.path(c.now)))
				read = append(read, c.now)
			}
			r, err := b.run(context.Background(), read...)
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, r.Problems)
				require.Empty(t, b.inSpool())
				return
			}
			require.Contains(t, b.kinds(r), c.want)
			require.Equal(t, []string{"held"}, b.inSpool())
		})
	}
}

// This host took the log a for the k-th source while nobody could tell; the sink has b there, which this
// host has, too. So b tells that a is another, and both come out.
func TestOrdinals_TheFileOfTheSinksSourceTellsTheOtherApart(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed-%v", sealed), func(t *testing.T) {
			b := newYard(t)
			b.write("a", []byte("h0\n"))
			b.load("a")
			b.write("a", []byte("h0\na1\n"))
			if sealed {
				b.sealUnshipped(t, "a")
			}
			b.write("b", []byte("h0\nb1\nb2\nb3\nb4\n"))
			b.asAnother(t, func() {
				_, err := b.run(context.Background(), "b")
				require.NoError(t, err)
			})
			var r *Report
			for range 3 {
				var err error
				r, err = b.run(context.Background(), "a", "b")
				require.NoError(t, err)
			}
			b.verify()
			require.Empty(t, r.Problems)
			require.Empty(t, b.inSpool())
			require.EqualValues(t, 5+2, b.rowsOf(b.cfg.Streams[0].Origin))
		})
	}
}

// A log was rotated and another one is at its path: it is known where the first is by now, so a short log is
// told apart from it though no mark does.
func TestOrdinals_ARotatedLogIsHeldAgainstWhereItIs(t *testing.T) {
	b := newYard(t)
	b.write("a", sameHead("a", 200))
	b.load("a")
	require.NoError(t, os.Rename(b.path("a"), b.path("a.1")))
	b.write("a", sameHead("b", 200))
	b.load("a.1", "a")
	short := sameHead("c", 200)
	b.write("c", short[:bytes.IndexByte(short, '\n')+1+len("c000\n")])
	r := b.load("c")
	require.Empty(t, r.Problems)
}
