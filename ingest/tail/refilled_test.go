package tail

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
)

// What a look saw of a log that was truncated and filled again is of another log than what was read before: it
// must not be taken for bytes of the first one that are lost.

// A log is filled again with more than it had before anybody reads it, and the tail dies after a look that saw
// only its size.
func TestTail_FilledAgainWithMoreAndDied(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 5 * time.Second
		first, second := filestest.SameHead("a", 10), append([]byte("b0\n"), filestest.SameHead("c", 100)...)
		p.fs.Write("/logs/a", first)
		p.start()
		p.pass(time.Minute)
		var slow atomic.Bool
		p.fs.SetFault(func(op filestest.Op, path string, _ int64) error {
			if op == filestest.OpRead && slow.Load() {
				time.Sleep(20 * time.Second)
			}
			return nil
		})
		slow.Store(true)
		p.fs.Overwrite("/logs/a", second)
		p.pass(10 * time.Second)
		p.kill()
		slow.Store(false)
		p.start()
		p.pass(2 * time.Hour)
		p.wantLogs(first, second)
		require.Empty(t, p.losses())
	})
}

// A log is copied, truncated and filled again with less between the look that measures it and the first read
// of it, or about there. Nothing tells the two apart then but what is read.
func TestTail_FilledAgainWhenItIsFirstRead(t *testing.T) {
	for n := 1; n <= 12; n++ {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprint(n, dies), func(t *testing.T) { filledAgainAtRead(t, n, dies, true) })
		}
	}
}

// Without a copy what was read of the first log is all there will be of it; half a line is none of it.
func TestTail_FilledAgainWhenItIsFirstReadAndNotCopied(t *testing.T) {
	for n := 1; n <= 12; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) { filledAgainAtRead(t, n, false, false) })
	}
}

func filledAgainAtRead(t *testing.T, n int, dies, copied bool) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 5 * time.Second
		first, second, third := filestest.SameHead("a", 1000), filestest.SameHead("b", 10), filestest.SameHead("c", 1)
		for i, log := range [][]byte{first, second, third} {
			log[1] += byte(i) // they begin with lines of their own
		}
		var reads atomic.Int64
		p.fs.Write("/logs/a", first)
		p.fs.SetFault(func(op filestest.Op, path string, _ int64) error {
			if op == filestest.OpRead && path == "/logs/a" && reads.Add(1) == int64(n) {
				if copied {
					p.fs.Write("/logs/a.1", first)
				}
				p.fs.Overwrite("/logs/a", second)
			}
			return nil
		})
		p.start()
		p.pass(time.Minute)
		require.GreaterOrEqual(t, reads.Load(), int64(n))
		if copied {
			p.fs.Remove("/logs/a.1")
		}
		p.pass(2 * time.Minute)
		if dies {
			p.kill()
			p.fs.Overwrite("/logs/a", third)
			p.start()
		} else {
			p.fs.Overwrite("/logs/a", third)
		}
		p.pass(3 * time.Hour)
		if copied {
			p.wantLogs(first, second, third)
			require.Empty(t, p.losses())
			return
		}
		written := strings.Split(string(slices.Concat(first, second, third)), "\n")
		for _, l := range p.lines() {
			require.True(t, slices.Contains(written, l), "row %q", l)
		}
		for l := range strings.Lines(string(append(second, third...))) {
			require.True(t, slices.Contains(p.lines(), strings.TrimSpace(l)), "line %q", l)
		}
	})
}

// What told two logs apart is forgotten with the bytes that told it: one of them cannot be read for a while, and
// holds something else when it can.
func TestTail_FilledAgainAfterItWasForgotten(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = time.Minute
		first, other := filestest.SameHead("a", 3), filestest.SameHead("b", 4)
		p.fs.Write("/logs/c", filestest.SameHead("c", 3))
		p.fs.Write("/logs/a", first)
		p.start()
		p.pass(10 * time.Second)
		failed := false
		p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
			if op != filestest.OpRead || path != "/logs/c" || off < 30 || failed {
				return nil
			}
			failed = true
			return &fs.PathError{Op: "read", Path: path, Err: errOdd}
		})
		p.fs.Append("/logs/c", []byte("c9\n"))
		p.pass(1500 * time.Millisecond)
		require.True(t, failed)
		p.fs.Truncate("/logs/c", 0)
		p.fs.Append("/logs/c", other)
		p.pass(5 * time.Second)
		last := filestest.SameHead("d", 5)
		p.fs.Write("/logs/d", last) // it differs where what was forgotten did
		p.pass(time.Hour)
		p.wantLogs(first, other, last)
	})
}
