package s3test

import (
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// StartOther starts a server of another kind, by the command that is given for an address and a
// folder, and gives its endpoint once it takes connections. It ends with the test.
func StartOther(tb testing.TB, command func(addr, folder string) *exec.Cmd) string {
	tb.Helper()
	addr := freeAddr(tb)
	cmd := command(addr, tb.TempDir())
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(startMost); ; {
		select {
		case <-late:
			require.FailNow(tb, "it does not answer", cmd.String())
		case <-tick.C:
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return "http://" + addr
		}
	}
}
