//go:build linux

package crash_test

import (
	"os"
	"os/exec"
	"strings"

	"logseal/e2e/crash/tracer"
)

// toSocket is what a write to a socket counts as.
const toSocket = "write-socket"

// traced is a run of the program under the tracer.
type traced struct {
	calls  map[string]int // begun that change something, by name; the one at which it was killed included
	count  int            // of all of them
	last   string         // the last call, and on what
	killed bool           // by us
	code   int            // of the exit, if not
	output string
}

// trace runs the program and kills it, all threads, when it begins its k-th changing call, so
// that this call is not made; with k = 0 it is only watched.
func (s *site) trace(k int, args ...string) (traced, error) {
	out, err := os.CreateTemp(s.root, "output-")
	if err != nil {
		return traced{}, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.root, s.environ(), out, out
	run := traced{calls: map[string]int{}}
	result, err := tracer.Run(cmd, nil, func(c tracer.Call) tracer.Verdict {
		return tracer.Verdict{Kill: run.counts(c, k)}
	})
	if err != nil {
		return traced{}, err
	}
	run.killed, run.code = result.Killed, result.Code
	text, err := os.ReadFile(out.Name())
	run.output = string(text)
	return run, err
}

// counts counts a call that changes something. It reports whether that is the k-th.
func (run *traced) counts(c tracer.Call, k int) bool {
	if !c.Changes() {
		return false
	}
	name := c.Name
	if c.ToSocket() {
		name = toSocket
	}
	run.count++
	run.calls[name]++
	if run.count != k {
		return false
	}
	run.last = name + strings.TrimPrefix(c.String(), c.Name)
	return true
}
