package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
)

// A copy is truncated at each read of it and each look at its size in turn, while it is told who it is.
// What was read of it and is no copy is sealed.
func TestTail_CopyIsTruncatedAtEachStep(t *testing.T) {
	for _, op := range []filestest.Op{filestest.OpRead, filestest.OpHandleStat} {
		for at := int64(1); ; at++ {
			landed := false
			t.Run(fmt.Sprintf("%s %d", op, at), func(t *testing.T) {
				inPond(t, func(t *testing.T, p *pond) {
					landed = truncateACopy(t, p, op, at)
				})
			})
			if !landed || t.Failed() {
				require.Greater(t, at, int64(5))
				break
			}
		}
	}
}

// truncateACopy lets a copy grow by lines that its log does not have, and truncates it in the course of
// the n-th call after that; false when there are fewer.
func truncateACopy(t *testing.T, p *pond, in filestest.Op, at int64) bool {
	var calls atomic.Int64
	log := strings.Repeat("a1\n", 50)
	p.cfg.Follow[0].MaxAge = 10 * time.Second
	p.fs.Write("/logs/a", []byte(log))
	p.start()
	p.pass(10 * time.Second)
	p.fs.Write("/logs/b", []byte(log[:60]))
	p.pass(10 * time.Second)
	require.Equal(t, string(isCopy), p.stateOf("/logs/b"))
	p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
		if op == in && path == "/logs/b" && calls.Add(1) == at {
			p.fs.Truncate("/logs/b", 0)
		}
		return nil
	})
	p.fs.Append("/logs/b", []byte(log[60:90]+strings.Repeat("b2\n", 40)))
	p.pass(20 * time.Second)
	p.fs.SetFault(nil)
	landed := calls.Load() >= at
	if landed {
		p.fs.Append("/logs/b", []byte("c3\n"))
	}
	p.pass(3 * time.Hour)
	lines := map[string]int{}
	for _, line := range p.lines() {
		lines[line]++
	}
	require.Contains(t, []int{50, 80}, lines["a1"], "of the log, or of the log and what b was")
	require.Equal(t, lines["a1"] == 80, lines["b2"] == 40)
	if landed {
		require.Equal(t, 1, lines["c3"])
	}
	p.verify()
	for _, s := range p.tail.Status().Sources {
		require.Equal(t, string(isActive), s.State, s.Path)
	}
	return landed
}

// stateOf is what the tail says of the file at a path.
func (p *pond) stateOf(path string) string {
	for _, s := range p.tail.Status().Sources {
		if s.Path == path {
			return s.State
		}
	}
	return ""
}

// A log is truncated at each read of it and each look at its size in turn, while it is read into memory
// or sealed straight from the file. All of it is in the sink, or a loss is, and nothing waits there.
func TestTail_LogIsTruncatedAtEachStep(t *testing.T) {
	for _, most := range []int64{64 << 20, 300} {
		for _, op := range []filestest.Op{filestest.OpRead, filestest.OpHandleStat} {
			for at := int64(1); ; at++ {
				landed := false
				t.Run(fmt.Sprintf("%d %s %d", most, op, at), func(t *testing.T) {
					inPond(t, func(t *testing.T, p *pond) {
						p.cfg.Streams[0].MaxBytes = most
						landed = truncateALog(t, p, op, at)
					})
				})
				if !landed || t.Failed() {
					require.Greater(t, at, int64(5))
					break
				}
			}
		}
	}
}

func truncateALog(t *testing.T, p *pond, in filestest.Op, at int64) bool {
	var calls atomic.Int64
	p.cfg.Follow[0].MaxAge = 10 * time.Second
	p.fs.Write("/logs/a", []byte(strings.Repeat("a1\n", 50)))
	p.start()
	p.pass(5 * time.Second)
	p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
		if op == in && path == "/logs/a" && calls.Add(1) == at {
			p.fs.Truncate("/logs/a", 0)
		}
		return nil
	})
	p.fs.Append("/logs/a", []byte(strings.Repeat("a2\n", 150)+"a3"))
	p.pass(20 * time.Second)
	p.fs.SetFault(nil)
	p.pass(10 * time.Minute)
	landed := calls.Load() >= at
	lines := map[string]int{}
	for _, line := range p.lines() {
		lines[line]++
	}
	whole := lines["a1"] == 50 && lines["a2"] == 150 && (!landed || lines["a3"] == 1)
	unseen := lines["a1"] == 50 && lines["a2"] == 0 // gone before anybody read or counted them
	require.True(t, whole || unseen || len(p.losses()) > 0, "%v", lines)
	require.LessOrEqual(t, lines["a1"]+lines["a2"], 200)
	require.Empty(t, p.inSpool())
	require.Empty(t, p.tail.Status().Problems)
	p.verify()
	return landed
}

// A log is truncated at each step of going back to what is shipped of it, since the spool has lost what
// was sealed: what is in memory then does not go on there. That is declared, and nothing waits for it.
func TestTail_LogIsTruncatedAtEachStepBack(t *testing.T) {
	for at := int64(1); ; at++ {
		landed := false
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				landed = truncateAStepBack(t, p, at)
			})
		})
		if !landed || t.Failed() {
			require.Greater(t, at, int64(5))
			break
		}
	}
}

func truncateAStepBack(t *testing.T, p *pond, at int64) bool {
	var calls atomic.Int64
	p.cfg.Follow[0].MaxAge = 2 * time.Minute
	l := newLosing(p)
	p.fs.Write("/logs/a", []byte(strings.Repeat("a1\n", 50)))
	p.start()
	p.pass(3 * time.Minute)
	l.down.Store(true)
	p.fs.Append("/logs/a", []byte(strings.Repeat("a2\n", 1000)))
	p.pass(3 * time.Minute) // sealed
	p.fs.Append("/logs/a", []byte(strings.Repeat("a3\n", 50)))
	p.pass(10 * time.Second) // in memory
	require.NotEmpty(t, p.inSpool())
	for _, name := range p.inSpool() {
		require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool", name)))
	}
	p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
		if op == filestest.OpRead && path == "/logs/a" && calls.Add(1) == at {
			p.fs.Truncate("/logs/a", 0)
		}
		return nil
	})
	l.down.Store(false)
	p.pass(30 * time.Second)
	p.fs.SetFault(nil)
	p.pass(20 * time.Minute)
	landed := calls.Load() >= at
	require.True(t, len(p.lines()) == 1100 || landed && len(p.losses()) > 0, "%d", len(p.lines()))
	require.Empty(t, p.inSpool())
	require.Empty(t, p.tail.Status().Problems)
	p.verify()
	return landed
}
