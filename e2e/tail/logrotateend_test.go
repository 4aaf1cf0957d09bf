package tail_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Writers are killed within a line. Their logs end there, are in the sink as they are, and go as others do when
// logrotate asks before it removes them.
func TestLogrotate_WriterKilledWithinALine(t *testing.T) {
	t.Parallel()
	logrotate := findLogrotate(t)
	s := newSite(t, func(c *settings) { c.tail = "{poll_interval: 20ms, close_wait: 200ms, copy_wait: 10s}" })
	config := fmt.Sprintf(`%q {
rotate 1
missingok
dateext
dateformat -%%Y%%m%%d-%%s
create 0644
preremove
%s status --quiet -c %s --safe-to-delete "$1"
endscript
}
`, s.path("logs/a.log"), s.program, s.path("ingest.yaml"))
	require.NoError(t, os.WriteFile(s.path("logrotate.conf"), []byte(config), 0o644))
	s.start()
	for turn := range 4 {
		s.append("logs/a.log", lines(fmt.Sprintf("turn %d", turn), 20)...)
		half := fmt.Sprintf("half a line %d", turn)
		s.expect(half)
		s.write("logs/a.log", half)
		next := time.Now().Truncate(time.Second).Add(time.Second + 50*time.Millisecond)
		s.await(func() (bool, string) { return time.Now().After(next), "the next second" })
		out, err := exec.Command(logrotate, "-f", "-v", "-s", s.path("logrotate.state"),
			s.path("logrotate.conf")).CombinedOutput()
		require.NoError(t, err, "%s", out)
		rotated, err := filepath.Glob(s.path("logs/a.log-*"))
		require.NoError(t, err)
		require.Len(t, rotated, 1, "%s", out)
		name, err := filepath.Rel(s.root, rotated[0])
		require.NoError(t, err)
		s.await(func() (bool, string) { return s.safe(name), "a rotated file is not safe to delete" })
	}
	s.settle()
	s.look()
	s.finish()
}
