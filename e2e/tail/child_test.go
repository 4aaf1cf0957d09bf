package tail_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
)

// child is a running `ingest tail`.
type child struct {
	cmd  *exec.Cmd
	log  string          // path of what it says
	from int64           // how long that was before
	died <-chan struct{} // closed when it is over
	code int             // of its exit, once it is over
}

// patience bounds one wait; only what never comes takes so long.
const patience = 60 * time.Second

// start starts the program. What it says goes on in one file, for the message of a failure.
func (s *site) start(args ...string) {
	s.Helper()
	require.Nil(s, s.child, "it runs already")
	cmd := exec.Command(s.program, append([]string{"tail", "-c", "ingest.yaml"}, args...)...)
	s.launch(cmd)
}

// launch starts cmd, which may be another command or be a program that runs it.
func (s *site) launch(cmd *exec.Cmd) {
	s.Helper()
	c, died := s.prepare(cmd)
	require.NoError(s, cmd.Start())
	go func() {
		cmd.Wait()
		c.code = cmd.ProcessState.ExitCode()
		close(died)
	}()
	s.child = c
}

// prepare makes cmd run at the site. Who starts it closes died when it is over.
func (s *site) prepare(cmd *exec.Cmd) (c *child, died chan struct{}) {
	s.Helper()
	log, err := os.OpenFile(s.path("stderr"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(s, err)
	s.Cleanup(func() { log.Close() })
	from, err := log.Seek(0, io.SeekEnd)
	require.NoError(s, err)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.root, s.environ(), log, log
	if s.user != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	}
	died = make(chan struct{})
	return &child{cmd: cmd, log: log.Name(), from: from, died: died}, died
}

// kill ends the program as a crash would.
func (s *site) kill() {
	s.Helper()
	require.NotNil(s, s.child, "it does not run")
	s.child.cmd.Process.Kill() // it may be over already
	<-s.child.died
	s.child = nil
}

// stop ends the program in order, which is to take what is complete with it.
func (s *site) stop() {
	s.Helper()
	require.NotNil(s, s.child, "it does not run")
	s.awaitBegun()
	require.NoError(s, s.child.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.child.died:
	case <-time.After(patience):
		s.signal(syscall.SIGQUIT) // so that it says where it stands
		<-s.child.died
		require.FailNow(s, "SIGTERM does not end it", s.said())
	}
	code := s.child.code
	require.Zero(s, code, "end after SIGTERM\n%s", s.said())
	s.child = nil
}

// awaitBegun waits until the program has said something: before that it may not hear a signal.
func (s *site) awaitBegun() {
	s.Helper()
	s.await(func() (bool, string) {
		st, err := os.Stat(s.child.log)
		return err == nil && st.Size() > s.child.from, "it says nothing"
	})
}

// again is a restart, by way of a crash or in order.
func (s *site) again(end func()) {
	s.Helper()
	end()
	s.start()
}

// leave ends what a failed test leaves running.
func (s *site) leave() {
	if s.child != nil {
		s.kill()
	}
	if s.Failed() {
		s.Log(s.said())
	}
}

// freeze stops every thread of the program: it sees nothing of what is done until thaw. The signal
// alone is not enough, for a thread on another processor runs on for a moment.
func (s *site) freeze() {
	s.Helper()
	s.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	_, err := syscall.Wait4(s.child.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(s, err)
	require.True(s, status.Stopped(), "it did not stop\n%s", s.said())
}

// thaw lets the program run on.
func (s *site) thaw() {
	s.Helper()
	s.signal(syscall.SIGCONT)
}

// signal sends the program a signal.
func (s *site) signal(sig os.Signal) {
	s.Helper()
	require.NoError(s, s.child.cmd.Process.Signal(sig))
}

// said is the end of what the program said.
func (s *site) said() string {
	const most = 20_000
	b, err := os.ReadFile(s.path("stderr"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-most):])
}

// await waits until done says so, while the program runs. What that returns besides is for the
// message of a failure.
func (s *site) await(done func() (bool, string)) {
	s.Helper()
	s.awaitFor(patience, done)
}

// awaitFor is await with a patience of its own.
func (s *site) awaitFor(most time.Duration, done func() (bool, string)) {
	s.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(most)
	for {
		ok, have := done()
		if ok {
			return
		}
		select {
		case <-s.over():
			require.FailNow(s, "it ended by itself", "exit code %d\n%s", s.child.code, s.said())
		case <-late:
			require.FailNow(s, "it does not come", "%s\n%s", have, s.said())
		case <-tick.C:
		}
	}
}

// over is closed when the program, if it was started, has ended.
func (s *site) over() <-chan struct{} {
	if s.child == nil {
		return nil
	}
	return s.child.died
}

// holds waits until the program has a file open, by any of its names: from then on deleting it does
// not lose it.
func (s *site) holds(name string) {
	s.Helper()
	want, err := os.Stat(s.path(name))
	require.NoError(s, err)
	folder := fmt.Sprintf("/proc/%d/fd", s.child.cmd.Process.Pid)
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		s.Skip("not run: the system does not tell which files a process has open")
	}
	s.await(func() (bool, string) {
		open, _ := os.ReadDir(folder)
		var names []string
		for _, fd := range open {
			path := filepath.Join(folder, fd.Name())
			if have, err := os.Stat(path); err == nil && os.SameFile(want, have) {
				return true, ""
			}
			target, _ := os.Readlink(path)
			names = append(names, target)
		}
		return false, name + " is not open: " + strings.Join(names, " ")
	})
}
