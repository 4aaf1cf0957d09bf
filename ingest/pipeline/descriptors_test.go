package pipeline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scarce lets a tail have few files open at once.
func (p *pond) scarce(most int) { p.cfg.OpenFiles = most }

// There are many more files than may be open: all of them ship, whether they are idle or are written to, and
// never more are open than may be.
func TestTail_MoreFilesThanDescriptors(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.scarce(3)
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
		require.Equal(t, []Kind{Scarce}, kindsOf(p.problems()))
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

func kindsOf(problems []Problem) (kinds []Kind) {
	for _, p := range problems {
		kinds = append(kinds, p.Kind)
	}
	return kinds
}

// What becomes of a file while it rests: it is renamed, its line is ended, it is truncated, deleted with
// more than is sealed of it, or the tail dies.
func TestTail_FilesAtRest(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(p *pond)
		lines  []string
		losses int
	}{
		"renamed and written to": {func(p *pond) {
			p.fs.Rename("/logs/a", "/logs/a.1")
			p.pass(2 * time.Second)
			p.fs.Append("/logs/a.1", []byte(" rest\na3\n"))
		}, []string{"a1", "a2 rest", "a3"}, 0},
		"renamed, another in its place": {func(p *pond) {
			p.fs.Rename("/logs/a", "/logs/a.1")
			p.fs.Write("/logs/a", []byte("b1\n"))
			p.pass(time.Hour)
		}, []string{"a1", "a2", "b1"}, 0},
		"truncated":  {func(p *pond) { p.fs.Write("/logs/a", []byte("c1\n")) }, []string{"a1", "c1"}, 1},
		"deleted":    {func(p *pond) { p.fs.Remove("/logs/a") }, []string{"a1"}, 1},
		"left alone": {func(p *pond) { p.pass(3 * time.Hour) }, []string{"a1"}, 0},
		"grown and deleted before a turn": {func(p *pond) {
			p.fs.Append("/logs/a", []byte(" x\n"))
			p.pass(200 * time.Millisecond)
			p.fs.Remove("/logs/a")
		}, nil, -1},
	} {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %v", name, dies), func(t *testing.T) {
				inPond(t, func(t *testing.T, p *pond) {
					p.scarce(1)
					p.cfg.CopyWait = 10 * time.Minute
					p.cfg.Follow[0].MaxAge = 10 * time.Second
					p.fs.Write("/logs/a", []byte("a1\na2"))
					p.fs.Write("/logs/z1", []byte("z1\n"))
					p.fs.Write("/logs/z2", []byte("z2\n"))
					p.start()
					p.pass(5 * time.Minute)
					p.wantLines("a1", "z1", "z2")
					if dies {
						p.kill()
						p.start()
						p.pass(5 * time.Second)
					}
					c.do(p)
					p.pass(time.Hour)
					if c.losses >= 0 {
						require.Len(t, p.losses(), c.losses)
						p.wantLines(append([]string{"z1", "z2"}, c.lines...)...)
					} else if len(p.losses()) == 0 {
						p.wantLines("z1", "z2", "a1", "a2 x")
					}
				})
			})
		}
	}
}
