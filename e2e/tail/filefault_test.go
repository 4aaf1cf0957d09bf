//go:build linux

package tail_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"logseal/e2e/crash/tracer"
)

// fileErrors are what the kernel says when it cannot do now what it could before.
var fileErrors = []unix.Errno{unix.EIO, unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOSPC, unix.EDQUOT}

// faultLasts is how long a fault lasts that does not befall one call alone.
const faultLasts = 5 * time.Second

// place is a kind of call, and a kind of file or folder of the site.
type place struct{ call, file string }

func (p place) String() string { return p.call + " " + p.file }

// varying is in the name of a file what is another with each run.
var varying = regexp.MustCompile(`[0-9a-f]{16,}|[0-9]+`)

// placeOf is where a call is made; false for calls that are not about files of the site.
func (s *site) placeOf(c tracer.Call) (place, bool) {
	var at []string
	for _, file := range c.Files() {
		if filepath.IsAbs(file) {
			rest, below := strings.CutPrefix(file, s.root+"/")
			if !below {
				return place{}, false
			}
			file = rest
		}
		at = append(at, varying.ReplaceAllString(file, "N"))
	}
	name := strings.Join(at, " to ")
	return place{c.Name, name}, name != "stderr" && !strings.Contains(name, ":") // no pipe or the like
}

// startJudged starts the program under the tracer.
func (s *site) startJudged(judge func(tracer.Call) tracer.Verdict) {
	s.Helper()
	cmd := exec.Command(s.program, "tail", "-c", "ingest.yaml")
	c, died := s.prepare(cmd)
	begun := make(chan struct{})
	var failed error
	go func() {
		result, err := tracer.Run(cmd, func() { close(begun) }, judge)
		failed, c.code = err, result.Code
		close(died)
	}()
	select {
	case <-begun:
	case <-died:
		if failed == tracer.ErrNotAllowed && os.Getenv("CI") != "true" {
			s.Skip("ptrace is not allowed here")
		}
		require.NoError(s, failed)
	}
	s.child = c
}

// settleOrEnd waits until all lines came out; false when the program ended before, as it does when it has
// to be started again.
func (s *site) settleOrEnd() bool {
	s.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(faultLasts + patience)
	for {
		missing := lacking(s.want, s.rows())
		if missing == "" {
			return true
		}
		select {
		case <-s.child.died:
			return false
		case <-late:
			require.FailNow(s, "it neither ships nor ends", "%s\n%s", missing, s.said())
		case <-tick.C:
		}
	}
}

// live lets logs be written and rotated under a tail that may end at any time for which there is a reason,
// and is then started again. begin is called before what is written while it runs.
func (s *site) live(begin func()) {
	s.Helper()
	alive := true
	for _, write := range []func(){
		func() {},
		func() { s.append("logs/a.log", lines("more", 3)...) },
		func() {
			s.rename("logs/a.log", "logs/a.log.1")
			s.append("logs/a.log", lines("new", 3)...)
			s.append("logs/b.log", lines("b", 3)...)
		},
	} {
		write()
		if alive = alive && s.settleOrEnd(); !alive {
			break
		}
		begin()
	}
	if alive {
		require.NoError(s, s.child.cmd.Process.Signal(syscall.SIGTERM))
		select {
		case <-s.child.died:
		case <-time.After(patience):
			require.FailNow(s, "SIGTERM does not end it", s.said())
		}
	}
	require.Contains(s, []int{0, 1}, s.child.code, "%s", s.said())
	require.False(s, !alive && s.child.code == 0, "it ended without a word\n%s", s.said())
	s.child = nil
	s.start()
	s.append("logs/a.log", lines("in the end", 3)...)
	s.finish()
}

func newFaultySite(t *testing.T) *site {
	s := newSite(t, func(c *settings) {
		c.tail = "{poll_interval: 50ms, close_wait: 1s, copy_wait: 1s}"
	})
	s.append("logs/a.log", lines("a", 3)...)
	return s
}

// places are where a tail that nothing befalls makes its calls.
func places(t *testing.T) []place {
	s := newFaultySite(t)
	all := map[place]bool{}
	s.startJudged(func(c tracer.Call) tracer.Verdict {
		if p, ok := s.placeOf(c); ok {
			all[p] = true
		}
		return tracer.Verdict{}
	})
	s.live(func() {})
	return slices.SortedFunc(maps.Keys(all), func(a, b place) int {
		return strings.Compare(a.String(), b.String())
	})
}

// TestFileFault_Once has the first call fail that is made at a place.
func TestFileFault_Once(t *testing.T) {
	if !tracer.CanFail {
		t.Skip("calls cannot be made to fail on this machine")
	}
	n := 0
	for _, p := range places(t) {
		for _, errno := range fileErrors {
			if n++; n%faultEvery != 0 {
				continue
			}
			t.Run(strings.ReplaceAll(p.String(), "/", "|")+"/"+unix.ErrnoName(errno), func(t *testing.T) {
				t.Parallel()
				s := newFaultySite(t)
				failed := false
				s.startJudged(func(c tracer.Call) tracer.Verdict {
					if at, ok := s.placeOf(c); !ok || at != p || failed {
						return tracer.Verdict{}
					}
					failed = true
					return tracer.Verdict{Fail: errno}
				})
				s.live(func() {})
			})
		}
	}
}

// TestFileFault_ForAWhile has all calls of one kind fail for some seconds.
func TestFileFault_ForAWhile(t *testing.T) {
	if !tracer.CanFail {
		t.Skip("calls cannot be made to fail on this machine")
	}
	calls := map[string]bool{}
	for _, p := range places(t) {
		calls[p.call] = true
	}
	n := 0
	for _, call := range slices.Sorted(maps.Keys(calls)) {
		for _, errno := range fileErrors {
			if n++; n%faultEvery != 0 {
				continue
			}
			t.Run(call+"/"+unix.ErrnoName(errno), func(t *testing.T) {
				t.Parallel()
				s := newFaultySite(t)
				var (
					mu    sync.Mutex
					until time.Time
				)
				s.startJudged(func(c tracer.Call) tracer.Verdict {
					mu.Lock()
					defer mu.Unlock()
					if _, ok := s.placeOf(c); !ok || c.Name != call || time.Now().After(until) {
						return tracer.Verdict{}
					}
					return tracer.Verdict{Fail: errno}
				})
				s.live(func() {
					mu.Lock()
					defer mu.Unlock()
					if until.IsZero() {
						until = time.Now().Add(faultLasts)
					}
				})
			})
		}
	}
}
