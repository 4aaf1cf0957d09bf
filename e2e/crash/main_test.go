package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is the path of the program under test.
var program string

func TestMain(m *testing.M) { os.Exit(runMain(m)) }

// runMain builds the program once, as it is shipped.
func runMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "logseal-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "ingest")
	out, err := exec.Command("go", "build", "-o", program, "logseal/cmd/ingest").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build ingest: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// site is a place to load into: logs, config and state below one folder, and a sink.
type site struct {
	testing.TB
	root  string   // working directory of the program
	env   []string // besides the usual
	where string   // lines of a config that say where sink and state are
	lake  string   // the folder in which the sink's objects are
	state string
}

func newSite(t testing.TB, env ...string) *site { return folderSite(t, t.TempDir(), env) }

// newRound is a site that is removed before the next one, as many of them would fill the disk.
func newRound(t testing.TB) *site { return folderSite(t, filepath.Join(t.TempDir(), "round"), nil) }

// folderSite is a site whose sink is a folder.
func folderSite(t testing.TB, root string, env []string) *site {
	lake := filepath.Join(root, "lake")
	return &site{t, root, env, "sink: lake\n", lake, filepath.Join(lake, ".state")}
}

func (s *site) remove() {
	s.Helper()
	require.NoError(s, os.RemoveAll(s.root))
	require.NoError(s, os.RemoveAll(s.lake))
}

// loseState removes the state, or a part of it.
func (s *site) loseState(part string) {
	s.Helper()
	require.NoError(s, os.RemoveAll(s.state+part))
}

func (s *site) path(name string) string { return filepath.Join(s.root, name) }

func (s *site) write(name string, body []byte) {
	s.Helper()
	require.NoError(s, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	require.NoError(s, os.WriteFile(s.path(name), body, 0o644))
}

// environ keeps what the tester's own environment says from the program.
func (s *site) environ() []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.root}, s.env...)
}

// ended is a process that is over.
type ended struct {
	code           int // -1 when it was killed
	stdout, stderr string
	rssMax         int64 // bytes
}

// deadline bounds one run of the program; only one that hangs takes so long.
const deadline = 10 * time.Minute

// run runs the program to its end.
func (s *site) run(args ...string) ended { return s.runUntil(nil, args...) }

// runUntil runs the program to its end or until killed is closed or gives a value.
func (s *site) runUntil(killed <-chan time.Time, args ...string) ended {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.root, s.environ(), &stdout, &stderr
	require.NoError(s, cmd.Start())
	done := make(chan struct{})
	go func() {
		select {
		case <-killed:
			cmd.Process.Kill() // it may be over already
		case <-done:
		}
	}()
	err := cmd.Wait()
	close(done)
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		require.NoError(s, err)
	}
	require.NoError(s, ctx.Err(), "%v ran for %v", args, deadline)
	e := ended{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), 0}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		e.rssMax = usage.Maxrss
		if runtime.GOOS == "linux" { // which says it in KiB
			e.rssMax <<= 10
		}
	}
	s.sane(args, e)
	return e
}

// sane wants an end that any run may have: no panic, and no other signal than ours.
func (s *site) sane(args []string, e ended) {
	s.Helper()
	require.NotContains(s, e.stderr, "goroutine ", "%v panicked", args)
	require.NotContains(s, e.stderr, "fatal error", "%v crashed", args)
	require.Contains(s, []int{-1, 0, 1, 2, 3, 4}, e.code, "%v", args)
}

// must runs the program and wants an exit code.
func (s *site) must(code int, args ...string) ended {
	s.Helper()
	e := s.run(args...)
	require.Equal(s, code, e.code, "%v\n%s%s", args, e.stdout, e.stderr)
	return e
}

// loaded is what `load --json` prints.
type loaded struct {
	OK           bool  `json:"ok"`
	Sources      int64 `json:"sources"`
	Bytes        int64 `json:"bytes"`
	Records      int64 `json:"records"`
	Rows         int64 `json:"rows"`
	Rejects      int64 `json:"rejects"`
	Skipped      int64 `json:"skipped"`
	SkippedBytes int64 `json:"skipped_bytes"`
}

func (e ended) loaded(t testing.TB) (l loaded) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &l), e.stdout)
	return l
}
