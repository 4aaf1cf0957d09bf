package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// What becomes of a file while it rests.
func TestTail_FilesAtRest(t *testing.T) {
	both := func(lines ...string) []string { return append(lines, "z1", "z2") }
	for name, c := range map[string]struct {
		do     func(p *pond)
		lines  []string
		losses int
	}{
		"renamed and written to": {func(p *pond) {
			p.fs.Rename("/logs/a", "/logs/a.1")
			p.pass(2 * time.Second)
			p.fs.Append("/logs/a.1", []byte(" rest\na3\n"))
		}, both("a1", "a2 rest", "a3"), 0},
		"renamed, another in its place": {func(p *pond) {
			p.fs.Rename("/logs/a", "/logs/a.1")
			p.fs.Write("/logs/a", []byte("b1\n"))
		}, both("a1", "a2", "b1"), 0},
		"truncated, shorter": {func(p *pond) { p.fs.Overwrite("/logs/a", []byte("c1\n")) }, both("a1", "c1"), 1},
		"truncated, longer": {func(p *pond) { p.fs.Overwrite("/logs/a", []byte("c1\nc2\nc3\n")) },
			both("a1", "c1", "c2", "c3"), 1},
		"deleted":    {func(p *pond) { p.fs.Remove("/logs/a") }, both("a1"), 1},
		"left alone": {func(*pond) {}, both("a1"), 0},
		"sealed and truncated, longer": {func(p *pond) {
			p.fs.Append("/logs/a", []byte("\n"))
			p.pass(time.Minute)
			p.fs.Overwrite("/logs/a", []byte("c1\nc2\nc3\n"))
		}, both("a1", "a2", "c1", "c2", "c3"), 0},
	} {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dies %v", name, dies), func(t *testing.T) {
				inPond(t, func(t *testing.T, p *pond) {
					p.fewFiles(1)
					p.cfg.CopyWait = 10 * time.Minute
					p.cfg.Follow[0].MaxAge = 10 * time.Second
					p.fs.Write("/logs/a", []byte("a1\na2"))
					p.start()
					p.pass(time.Minute)
					p.fs.Write("/logs/z1", []byte("z1\n"))
					p.fs.Write("/logs/z2", []byte("z2\n"))
					p.pass(5 * time.Minute)
					p.wantLines("a1", "z1", "z2")
					if dies {
						p.kill()
						p.start()
						p.pass(3 * time.Minute)
					}
					p.rests("/logs/a")
					c.do(p)
					p.pass(time.Hour)
					p.wantLines(c.lines...)
					require.Len(t, p.losses(), c.losses)
				})
			})
		}
	}
}

// rests sees to it that a file rests: others take its turn.
func (p *pond) rests(path string) {
	for i := 0; p.stateOf(path) != string(isRead); i++ {
		require.Less(p.t, i, 100, "it does not rest")
		p.fs.Append("/logs/z1", []byte("\n"))
		p.pass(time.Second)
	}
}

// A record that lacks its last part, and the last line of a file that was rotated before it was found, are
// finished though the file rests.
func TestTail_WhatIsToBeFinishedAtRest(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.framed = parse.CRI
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte(criFull+"a1\n"+criPart+"a2\n"))
		p.start()
		p.pass(20 * time.Second)
		p.fs.Write("/logs/z", []byte(criFull+"z1\n"))
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "z1")
	})
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a.log.1", []byte("a1\nhalf"))
		p.start()
		p.pass(20 * time.Second)
		p.fs.Write("/logs/a.log", []byte("b1\n"))
		p.pass(10 * time.Minute)
		p.wantLines("a1", "b1", "half")
	})
}

// A file grows while it rests, a look sees that, and the tail dies before the file has its turn. What was seen is
// declared by the next run, for the file is gone.
func TestTail_GrownAtRestAndDied(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/z1", []byte("z1\n"))
		p.pass(time.Minute)
		p.rests("/logs/a")
		p.tail.mu.Lock()
		for _, f := range p.tail.table {
			f.waited++ // whoever is open keeps its descriptor
		}
		p.tail.mu.Unlock()
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(2 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a")
		p.start()
		p.pass(2 * time.Hour)
		require.Len(t, p.losses(), 1)
	})
}

// A file whose turn is over waits for a sink that is away. That it is truncated meanwhile is seen.
func TestTail_TruncatedAfterItsTurn(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		down.Store(true)
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.fs.Write("/logs/b", []byte("b1\n"))
		p.pass(3 * time.Second)
		p.fs.Overwrite("/logs/a", []byte("c1\n"))
		p.pass(2 * time.Second)
		p.tail.mu.Lock()
		require.Len(t, p.tail.ended, 1)
		p.tail.mu.Unlock()
		down.Store(false)
		p.pass(time.Hour)
		p.wantLines("a1", "a2", "b1", "c1")
	})
}

// A short log begins like a longer one that rests and was renamed: it is held against that where it is now.
func TestTail_HeldAgainstAFileThatWasRenamedAtRest(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("h0\na1\na2\na3\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/z1", []byte("z1\n"))
		p.pass(time.Minute)
		p.rests("/logs/a")
		p.fs.Rename("/logs/a", "/logs/a.1")
		p.pass(10 * time.Second)
		p.fs.Write("/logs/b", []byte("h0\nb1\n"))
		p.pass(time.Hour)
		p.wantLines("a1", "a2", "a3", "b1", "h0", "h0", "z1")
	})
}

// All logs are truncated at once, as copytruncate does, and each has half a line whose rest a copy has. The
// copies have their turns though the logs wait for them.
func TestTail_TruncatedAtOnce(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(2)
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		var want []string
		for i := range 6 {
			p.fs.Write(fmt.Sprintf("/logs/%d", i), fmt.Appendf(nil, "a%d\nb", i))
			want = append(want, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i), fmt.Sprintf("c%d", i))
		}
		p.start()
		p.pass(5 * time.Minute)
		for i := range 6 {
			path := fmt.Sprintf("/logs/%d", i)
			p.fs.Write(path+".1", fmt.Appendf(nil, "a%d\nb%d\n", i, i))
			p.fs.Overwrite(path, fmt.Appendf(nil, "c%d\n", i))
		}
		p.pass(10 * time.Minute)
		p.wantLines(want...)
		require.Empty(t, p.losses())
	})
}

// A log that differs from a source is told apart from it by the file that has all of it, whichever other files
// rest that have its beginning.
func TestTail_HeldAgainstTheFileAtRestThatHasAll(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 5 * time.Second
		head, long, short := []byte("h0\n"), filestest.SameHead("a", 8), filestest.SameHead("b", 3)
		for i := range 12 {
			p.fs.Write(fmt.Sprint("/logs/copy", i), head)
		}
		p.start()
		p.pass(5 * time.Minute)
		p.fs.Write("/logs/long", long)
		p.pass(5 * time.Minute)
		p.fs.Write("/logs/short", short)
		p.pass(10 * time.Minute)
		p.wantLogs(long, short)
	})
}

// The file at rest that tells a log apart could not be opened the first time: it is asked again.
func TestTail_HeldAgainstAFileAtRestThatDidNotOpen(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 5 * time.Second
		long, short := filestest.SameHead("a", 8), filestest.SameHead("b", 3)
		p.fs.Write("/logs/long", long)
		p.start()
		p.pass(time.Minute)
		failed := false
		p.fs.SetFault(func(op filestest.Op, path string, _ int64) error {
			if op == filestest.OpOpen && path == "/logs/long" && !failed {
				failed = true
				return syscall.EIO
			}
			return nil
		})
		p.fs.Write("/logs/short", short)
		p.pass(10 * time.Minute)
		require.True(t, failed)
		p.wantLogs(long, short)
	})
}

// A log rests and is renamed, and the spool is lost: who ships its batches finds the file where it is now.
func TestTail_RenamedAtRestAndTheSpoolIsLost(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.fewFiles(1)
		p.cfg.Follow[0].MaxAge = 5 * time.Second
		z := p.haveLedger()
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.start()
		p.pass(3 * time.Second)
		down.Store(true)
		log, other := filestest.SameHead("a", 10), []byte("b1\n")
		p.fs.Write("/logs/a", log)
		p.pass(time.Minute)
		p.fs.Write("/logs/b", other)
		p.pass(time.Minute)
		p.kill()
		require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool")))
		p.start()
		p.pass(2 * time.Minute)
		p.fs.Rename("/logs/a", "/logs/a.1")
		p.pass(10 * time.Second)
		down.Store(false)
		p.pass(time.Hour)
		p.wantLogs(log, other, z)
	})
}
