package tail_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mode is a way of logrotate to rotate.
type mode struct {
	name    string
	options string // of logrotate
	rotate  func(r *rotator)
}

// keepRotated is how many rotated files there are at most.
const keepRotated = 100

var modes = []mode{
	{"create", "create 0644", (*rotator).create},
	{"copytruncate", "copytruncate", (*rotator).copyTruncate},
	{"compress", "create 0644\ncompress", func(r *rotator) {
		r.create()
		r.compress("logs/a.log.1")
	}},
	{"delaycompress", "create 0644\ncompress\ndelaycompress", func(r *rotator) {
		r.create()
		if r.exists("logs/a.log.2") {
			r.compress("logs/a.log.2")
		}
	}},
	{"copytruncate-compress", "copytruncate\ncompress", func(r *rotator) {
		r.copyTruncate()
		r.compress("logs/a.log.1")
	}},
	{"dateext", "create 0644\ndateext\ndateformat -%Y%m%d-%s", func(r *rotator) {
		r.dated++
		r.rename("logs/a.log", fmt.Sprintf("logs/a.log-20240115-%d", 1705312800+r.dated))
		r.make()
	}},
	{"dateext-compress", "create 0644\ndateext\ndateformat -%Y%m%d-%s\ncompress", func(r *rotator) {
		r.dated++
		name := fmt.Sprintf("logs/a.log-20240115-%d", 1705312800+r.dated)
		r.rename("logs/a.log", name)
		r.make()
		r.compress(name)
	}},
}

// rotator is a log with a writer that appends numbered lines all the time, and what rotates it.
type rotator struct {
	*site
	mu      sync.Mutex // is held while lines are written, and where no line may be
	file    *os.File
	written int
	dated   int

	over chan struct{}
	gone sync.WaitGroup
}

// newRotator starts the writer.
func newRotator(s *site) *rotator {
	r := &rotator{site: s, over: make(chan struct{})}
	r.file = s.writer("logs/a.log")
	r.gone.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-r.over:
				return
			case <-tick.C:
				r.number(3)
			}
		}
	})
	s.Cleanup(r.end)
	return r
}

// number writes the next lines. They are wanted only when the writer has ended, as the map is not
// the writer's.
func (r *rotator) number(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range n {
		fmt.Fprintf(r.file, "number %d\n", r.written)
		r.written++
	}
}

// end ends the writer, once.
func (r *rotator) end() {
	select {
	case <-r.over:
		return
	default:
	}
	close(r.over)
	r.gone.Wait()
	r.file.Close()
	for i := range r.written {
		r.expect(fmt.Sprintf("number %d", i))
	}
}

// more waits until there are n more lines.
func (r *rotator) more(n int) {
	r.mu.Lock()
	until := r.written + n
	r.mu.Unlock()
	r.await(func() (bool, string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.written >= until, "lines"
	})
}

// reopen makes the writer go on with the file that has its name now, as postrotate does with a
// signal. Until then it writes to the old one.
func (r *rotator) reopen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.swap()
}

func (r *rotator) swap() {
	r.file.Close()
	r.file = r.writer("logs/a.log")
}

func (r *rotator) exists(name string) bool {
	_, err := os.Stat(r.path(name))
	return err == nil
}

// shift renames a.log.N to a.log.N+1, the last first.
func (r *rotator) shift() {
	for i := keepRotated; i > 0; i-- {
		for _, suffix := range []string{"", ".gz"} {
			name := fmt.Sprintf("logs/a.log.%d%s", i, suffix)
			if r.exists(name) {
				r.rename(name, fmt.Sprintf("logs/a.log.%d%s", i+1, suffix))
			}
		}
	}
}

// make makes the new file, as `create` does: under its name, with O_EXCL.
func (r *rotator) make() {
	f, err := os.OpenFile(r.path("logs/a.log"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	require.NoError(r, err)
	require.NoError(r, f.Close())
}

func (r *rotator) create() {
	r.shift()
	r.rename("logs/a.log", "logs/a.log.1")
	r.make()
}

// copyTruncate copies and truncates. What is written between the two is lost by design of the mode,
// before anybody could see it: no line is written then, so that all that are must come out.
func (r *rotator) copyTruncate() {
	r.shift()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.site.copyTruncate("logs/a.log", "logs/a.log.1")
}

// compress packs a rotated file as logrotate does, once nobody writes to it any more.
func (r *rotator) compress(name string) {
	r.reopen()
	r.site.compress(name, ".gz")
}

// TestLogrotate_Calls does what logrotate does, call by call, in each of its modes.
func TestLogrotate_Calls(t *testing.T) {
	t.Parallel()
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.start()
			r := newRotator(s)
			for turn := range 6 {
				r.more(100)
				if turn == 3 {
					s.again(s.kill)
				}
				m.rotate(r)
				r.more(20) // to the old file, where it was renamed
				r.reopen()
			}
			r.end()
			s.settle()
			s.look()
			s.finish()
		})
	}
}

// TestLogrotate_Program lets logrotate itself rotate.
func TestLogrotate_Program(t *testing.T) {
	t.Parallel()
	logrotate := findLogrotate(t)
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.start()
			r := newRotator(s)
			r.configure(m)
			for turn := range 5 {
				r.more(100)
				if turn == 2 {
					s.again(s.kill)
				}
				r.program(logrotate, m)
			}
			r.end()
			s.settle()
			s.look()
			s.finish()
		})
	}
}

// findLogrotate finds the program, which is no part of what `make tools` builds.
func findLogrotate(t *testing.T) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin") {
		path := filepath.Join(dir, "logrotate")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("logrotate is missing: install the package logrotate")
	}
	t.Skip("not run: logrotate is missing; install the package logrotate")
	return ""
}

// configure writes logrotate's config.
func (r *rotator) configure(m mode) {
	r.Helper()
	body := fmt.Sprintf("%q {\nrotate %d\nmissingok\n%s\n}\n", r.path("logs/a.log"), keepRotated,
		m.options)
	require.NoError(r, os.WriteFile(r.path("logrotate.conf"), []byte(body), 0o644))
}

// program runs logrotate once, and makes the writer go on with the new file. While it copies and
// truncates, and between packing and the new file, no line is written: what comes then is lost by
// design of logrotate.
func (r *rotator) program(path string, m mode) {
	r.Helper()
	if strings.HasPrefix(m.name, "dateext") {
		// Names are as fine as a second, of a clock that may be a tick behind.
		next := time.Now().Truncate(time.Second).Add(time.Second + 50*time.Millisecond)
		r.await(func() (bool, string) { return time.Now().After(next), "the next second" })
	}
	quiet := m.name != "create" && m.name != "dateext" && m.name != "delaycompress"
	if quiet {
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	cmd := exec.Command(path, "-f", "-v", "-s", r.path("logrotate.state"), r.path("logrotate.conf"))
	out, err := cmd.CombinedOutput()
	require.NoError(r, err, "%s", out)
	if quiet {
		r.swap()
	} else {
		r.reopen()
	}
}
