package tail_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deaf opens n connections that ask again and again and never read an answer.
func (s *site) deaf(n int, network, address, path string) {
	s.Helper()
	ask := strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", 100)
	for range n {
		c, err := net.Dial(network, address)
		require.NoError(s, err)
		s.Cleanup(func() { c.Close() })
		_, _ = c.Write([]byte(ask)) // the program may have had enough of it
	}
}

// silent opens n connections that never say what they want.
func (s *site) silent(n int, address string) {
	s.Helper()
	for range n {
		c, err := net.Dial("tcp", address)
		require.NoError(s, err)
		s.Cleanup(func() { c.Close() })
		_, _ = c.Write([]byte("GET /metrics HTTP/1.1\r\n"))
	}
}

// awaitMetrics waits until the program serves metrics, and gives where.
func (s *site) awaitMetrics() (address string) {
	s.Helper()
	s.await(func() (bool, string) {
		address = s.metricsAddress()
		return address != "", "it serves no metrics"
	})
	return address
}

// metricsAddress is where the program says that it serves metrics, empty before it does.
func (s *site) metricsAddress() (address string) {
	said, err := os.ReadFile(s.child.log)
	require.NoError(s, err)
	for line := range strings.Lines(string(said[s.child.from:])) {
		var entry struct {
			Msg     string `json:"msg"`
			Address string `json:"address"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving metrics" {
			address = entry.Address
		}
	}
	return address
}

// memory is a size in bytes of those in /proc/<pid>/status, 0 where there is none.
func memory(pid int, field string) int64 {
	body, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(body)) {
		if name, value, _ := strings.Cut(line, ":"); name == field {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// awaitHealthy waits until the program answers a probe.
func (s *site) awaitHealthy(address string) {
	s.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	s.await(func() (bool, string) {
		r, err := client.Get("http://" + address + "/healthz")
		if err != nil {
			return false, err.Error()
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK, r.Status
	})
}

// Whoever asks and does not listen takes no descriptor that a log needs.
func TestTail_ClientsThatNeverReadStopNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.append("logs/a.log", "before")
	cmd := exec.Command("/bin/sh", "-c", `ulimit -n 256; exec "$@"`, "sh", s.program,
		"tail", "-c", "ingest.yaml", "--metrics", "127.0.0.1:0")
	s.launch(cmd)
	address := s.awaitMetrics()
	s.settle()
	s.deaf(400, "tcp", address, "/metrics")
	s.deaf(400, "unix", s.path("state/tail.sock"), "/status")
	for i := range 20 {
		s.append(fmt.Sprintf("logs/after-%d.log", i), fmt.Sprint("after ", i))
	}
	s.settle()
	s.awaitHealthy(address)
	code, stdout, stderr := s.run("status", "-c", "ingest.yaml")
	require.Zero(t, code, "%s%s", stdout, stderr)
	s.finish()
}

// Thousands of connections cost what a few do.
func TestTail_ThousandsOfClientsCostLittleMemory(t *testing.T) {
	t.Parallel()
	const clients, most = 5000, 64 << 20
	s := newSite(t)
	s.append("logs/a.log", "before")
	s.start("--metrics", "127.0.0.1:0")
	address := s.awaitMetrics()
	s.settle()
	before := memory(s.child.cmd.Process.Pid, "VmRSS")
	if before == 0 {
		t.Skip("not run: the system has no /proc")
	}
	s.silent(clients/2, address)
	s.deaf(clients/2, "tcp", address, "/metrics")
	s.append("logs/a.log", "after")
	s.settle()
	s.awaitHealthy(address)
	peak := memory(s.child.cmd.Process.Pid, "VmHWM")
	require.Less(t, peak-before, int64(most), "%d MiB before, %d MiB at most", before>>20, peak>>20)
	s.finish()
}
