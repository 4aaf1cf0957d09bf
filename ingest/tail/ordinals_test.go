package tail

import (
	"bytes"
	"compress/gzip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// These tests are about ordinals that somebody holds and cannot use, so that logs which begin alike
// wait for nothing.

// halfAlike begins as sameHead does and stops within its second line.
func halfAlike() []byte {
	head, _, _ := bytes.Cut(filestest.SameHead("a", 300), []byte("\n"))
	return append(bytes.Clone(head), "\nb"...)
}

func TestOrdinals_HalfSecondLine(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		a, c := filestest.SameHead("a", 300), filestest.SameHead("c", 300)
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
		a, c := filestest.SameHead("a", 300), filestest.SameHead("c", 300)
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

// While the sink is away a short log and a long one are told apart; the short one has ordinal 0 here,
// and the long one has it in the sink.
func TestOrdinals_ShortAndLongWhileTheSinkIsAway(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		l := filestest.SameHead("x", 300)
		m := filestest.SameHead("y", 300)[:15]
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
		a, b := filestest.SameHead("a", 300), filestest.SameHead("b", 300)
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
		x := filestest.SameHead("x", 300)
		p.haveCommitted(t, x)
		p.haveLedger()
		down.Store(true)
		p.fs.Write("/logs/l", filestest.SameHead("y", 200))
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
