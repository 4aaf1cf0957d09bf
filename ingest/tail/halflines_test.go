package tail

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
)

// halves writes n logs that begin alike to none and end in half a line of a KiB, more than memory holds.
func (p *pond) halves(n int) (want []string) {
	p.cfg.HoldBytes = 64 << 10
	p.cfg.Follow[0].MaxAge = 10 * time.Second
	for i := range n {
		p.fs.Write(fmt.Sprintf("/logs/f%d", i), fmt.Appendf(nil, "a%d\na", i))
		p.fs.Append(fmt.Sprintf("/logs/f%d", i), []byte(strings.Repeat("1", 1<<10)))
		want = append(want, fmt.Sprintf("a%d", i))
	}
	return want
}

const manyHalves = 100

// Half lines do not fill the memory for ever: what ends them is read, and so is what is new.
func TestTail_HalfLinesGiveWay(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		want := p.halves(manyHalves)
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/new", []byte("n1\nn2\nn"))
		p.pass(15 * time.Second)
		want = append(want, "n1", "n2")
		require.ElementsMatch(t, want, p.lines())
		require.Empty(t, p.tail.Status().Paused)
		for i := range manyHalves {
			p.fs.Append(fmt.Sprintf("/logs/f%d", i), []byte("\nc1\n"))
			want = append(want, "a"+strings.Repeat("1", 1<<10), "c1")
		}
		p.fs.Append("/logs/new", []byte("3\n"))
		p.pass(time.Minute)
		p.wantLines(append(want, "n3")...)
	})
}

// A first line that is not ended is truncated, and waits for what may be its copy: at rest.
func TestTail_HalfFirstLineWaitsForACopy(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("half"))
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/b", []byte("another half"))
		p.fs.Truncate("/logs/a", 0)
		p.pass(10 * time.Hour)
		p.wantLines("half")
	})
}

// A half line that was let go of is held again once there is room, so that it survives a truncation. If
// there was none it is declared.
func TestTail_HalfLineIsHeldAgain(t *testing.T) {
	for _, room := range []bool{true, false} {
		inPond(t, func(t *testing.T, p *pond) {
			p.halves(manyHalves)
			p.start()
			p.pass(time.Minute)
			if room {
				for i := range manyHalves - 10 {
					p.fs.Append(fmt.Sprintf("/logs/f%d", i), []byte("\n"))
				}
				p.pass(time.Minute)
			}
			for i := range 10 {
				p.fs.Truncate(fmt.Sprintf("/logs/f%d", manyHalves-10+i), 0)
			}
			p.pass(5 * time.Minute)
			if room {
				require.Len(t, p.lines(), 2*manyHalves)
				require.Empty(t, p.losses())
			} else {
				require.Equal(t, 10, len(p.lines())-manyHalves+len(p.losses()))
			}
			p.verify()
		})
	}
}

// Nobody looks at half lines at rest again and again.
func TestTail_HalfLinesAtRestCostNothing(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.halves(manyHalves)
		p.start()
		p.pass(5 * time.Minute)
		var calls atomic.Int64
		p.fs.SetFault(func(op filestest.Op, _ string, _ int64) error {
			if op == filestest.OpRead || op == filestest.OpHandleStat {
				calls.Add(1)
			}
			return nil
		})
		p.pass(10 * time.Minute)
		require.Zero(t, calls.Load())
	})
}

// Half lines of truncated logs stay in memory while a copy may have the rest of them. The other logs are
// sealed straight from their files then.
func TestTail_HalfLinesOfTruncatedLogsHoldUpNobody(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.cfg.HoldBytes = 1 << 20
		p.cfg.CloseWait = time.Hour
		for i := range manyHalves {
			p.fs.Write(fmt.Sprintf("/logs/f%d", i), fmt.Appendf(nil, "a%d\na%s", i, strings.Repeat("1", 1<<10)))
		}
		p.start()
		p.pass(time.Minute)
		for i := range manyHalves {
			p.fs.Truncate(fmt.Sprintf("/logs/f%d", i), 0)
		}
		p.pass(10 * time.Second)
		set := *p.tail.config.set()
		set.HoldBytes = 64 << 10
		p.tail.config.timing.Store(&set)
		p.fs.Write("/logs/new", []byte("n1\nn2\n"))
		p.pass(10 * time.Second)
		p.fs.Append("/logs/new", []byte("n3\nn4"))
		p.pass(time.Minute)
		require.Equal(t, []string{"n1", "n2", "n3"}, p.lines()[manyHalves:])
		p.fs.Append("/logs/new", []byte("4\n"))
		p.pass(time.Minute)
		require.Equal(t, []string{"n1", "n2", "n3", "n44"}, p.lines()[manyHalves:])
		p.pass(3 * time.Hour)
		require.Len(t, p.lines(), 2*manyHalves+4)
		require.Empty(t, p.losses())
	})
}
