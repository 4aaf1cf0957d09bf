package tail_test

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// startLimited starts the program with a limit of open files.
func (s *site) startLimited(limit int) {
	s.Helper()
	s.launch(exec.Command("sh", "-c", fmt.Sprintf("ulimit -n %d; exec %s tail -c ingest.yaml", limit, s.program)))
}

// There are many more logs than may be open: all ship, while they are written to, through kills, and one
// problem says so.
func TestTail_MoreLogsThanDescriptors(t *testing.T) {
	t.Parallel()
	const logs = 300
	s := newSite(t)
	all := func(what string) {
		for i := range logs {
			s.append(fmt.Sprintf("logs/%d.log", i), lines(fmt.Sprintf("%s %d", what, i), 3)...)
		}
	}
	all("before")
	s.startLimited(64)
	s.settle()
	all("live")
	s.settle()
	s.kill()
	all("between")
	s.startLimited(64)
	s.settle()
	s.look()
	code, stdout, _ := s.run("status", "-c", "ingest.yaml", "--json")
	require.Zero(t, code)
	require.Regexp(t, `"problems":\[{"kind":"scarce",[^{]*}\]`, stdout)
	s.finish()
}

func TestTail_TooFewDescriptors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, err := exec.Command("sh", "-c", fmt.Sprintf("cd %s; ulimit -n 24; exec %s tail -c ingest.yaml",
		s.root, s.program)).CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 2, exit.ExitCode())
	require.Contains(t, string(out), "the limit of open files is 24, and tail needs")
}
