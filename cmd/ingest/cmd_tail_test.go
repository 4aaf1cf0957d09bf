package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/service/servicetest"
	"logseal/ingest/sink/s3/s3test"
)

// tailProcess is the real program, following the logs in a folder of its own.
type tailProcess struct {
	*exec.Cmd
	root        string
	out, errors *servicetest.Log
}

// startTail runs it by a config in which ROOT is its folder.
func startTail(t *testing.T, root, config string, env ...string) *tailProcess {
	path := filepath.Join(root, "ingest.yaml")
	config = strings.ReplaceAll(config, "ROOT", root)
	require.NoError(t, os.WriteFile(path, []byte(config), 0o666))
	p := &tailProcess{Cmd: exec.Command("ingest", "tail", "-c", path, "--json", "--metrics",
		"127.0.0.1:0"), root: root, out: &servicetest.Log{}, errors: &servicetest.Log{}}
	p.Env = append(os.Environ(), env...)
	p.Stdout, p.Stderr = p.out, p.errors
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		p.Process.Kill()
		p.Wait()
		if t.Failed() {
			t.Log(p.errors)
		}
	})
	return p
}

// status is what it answers; nothing while it does not.
func (p *tailProcess) status(t *testing.T) (s statusResult) {
	var out, errs bytes.Buffer
	if run([]string{"status", "--json", "-c", filepath.Join(p.root, "ingest.yaml")}, &out, &errs) == 0 {
		require.NoError(t, json.Unmarshal(out.Bytes(), &s))
	}
	return s
}

// await waits until it is as wanted.
func (p *tailProcess) await(t *testing.T, want func(statusResult) bool) {
	require.Eventually(t, func() bool { return want(p.status(t)) }, awaitMost, 20*time.Millisecond)
}

func (p *tailProcess) write(t *testing.T, from, to int) {
	f, err := os.OpenFile(filepath.Join(p.root, "app.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	require.NoError(t, err)
	_, err = f.WriteString(genLines(from, to))
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// end waits for its end and gives what it printed.
func (p *tailProcess) end(t *testing.T) (r tailResult) {
	require.NoError(t, p.Wait(), p.errors)
	require.NoError(t, json.Unmarshal([]byte(p.out.String()), &r))
	return r
}

const quickTail = `state: ROOT/state
origin: web-1
tail: {poll_interval: 20ms}
streams: [{name: app, format: app, paths: [ROOT/app.log*], batch: {max_age: 50ms}}]
`

func TestTail_TellsTheServiceManager(t *testing.T) {
	m := servicetest.NewManager(t, filepath.Join(t.TempDir(), "notify"))
	p := startTail(t, t.TempDir(), "sink: ROOT/lake\n"+quickTail, "NOTIFY_SOCKET="+m.Name,
		"WATCHDOG_USEC=100000")
	m.Hears(t, "READY=1\nSTATUS=following")
	for range 3 {
		require.Equal(t, "WATCHDOG=1", m.Hear(t))
	}
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	m.Hears(t, "RELOADING=1\nMONOTONIC_USEC=")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	for heard := ""; heard != "STOPPING=1\nSTATUS=ending"; heard = m.Hear(t) {
	}
	require.True(t, p.end(t).OK)
}

// What is served is of the tail that runs, and of the memory that it tries to do with.
func TestTail_ServesMetrics(t *testing.T) {
	for env, limit := range map[string]string{
		"GOMEMLIMIT=": "2.097152e+08", "GOMEMLIMIT=100MiB": "1.048576e+08",
	} {
		p := startTail(t, t.TempDir(), "sink: ROOT/lake\n"+quickTail, env)
		var address string
		require.Eventually(t, func() bool {
			m := regexp.MustCompile(`"serving metrics","address":"([^"]+)"`).FindStringSubmatch(
				p.errors.String())
			if m != nil {
				address = "http://" + m[1]
			}
			return m != nil
		}, awaitMost, 10*time.Millisecond)
		p.write(t, 0, 100)
		p.await(t, func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Shipped > 0 })
		body := fetch(t, address+"/metrics")
		for _, want := range []string{"go_gc_gomemlimit_bytes " + limit,
			`logseal_rows_total{stream="app"} 88`, `logseal_put_duration_seconds_count{result="ok"} 6`,
			"logseal_open_files 1", "logseal_outbox_age_seconds 0"} {
			require.True(t, strings.Contains(body, "\n"+want+"\n"), "want %s", want)
		}
		require.Equal(t, "ok\n", fetch(t, address+"/readyz"))
		require.Equal(t, "ok\n", fetch(t, address+"/healthz"))
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		require.True(t, p.end(t).OK)
	}
}

func fetch(t *testing.T, url string) string {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

// The system tells of changes: nobody waits for the next look.
func TestTail_IsWoken(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems may tell later")
	}
	p := startTail(t, t.TempDir(), "sink: ROOT/lake\n"+strings.Replace(quickTail, "20ms", "1m", 1))
	p.await(t, func(s statusResult) bool { return s.Tail != nil && s.Tail.Ready })
	p.write(t, 0, 100)
	p.await(t, func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Shipped > 0 })
}

// While the store is away it reads and seals on, ends when it is told to, and begins again; when the
// store is back everything is there once.
func TestTail_OutlivesTheStore(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	config := "sink: '" + server.URL(bucket+"/lake") + "'\nshutdown: {grace: 100ms}\n" + quickTail
	root := t.TempDir()
	p := startTail(t, root, config, s3test.Environ()...)
	p.write(t, 0, 100)
	p.await(t, func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Shipped > 0 })
	server.Kill()
	p.write(t, 100, 200)
	waits := func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Outbox > 0 }
	p.await(t, waits)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	first := p.end(t)
	require.Positive(t, first.SpoolBytes, "it waits for the next start")
	require.Positive(t, first.Retries)

	p = startTail(t, root, config, s3test.Environ()...)
	p.await(t, waits)
	p.write(t, 200, 300)
	p.await(t, func(s statusResult) bool { return waits(s) && s.Sources[0].Outbox > 1 })
	require.False(t, p.status(t).Tail.Ready)
	require.NotNil(t, p.status(t).Tail.OldestUnshipped)
	server.Restart(t)
	p.await(t, func(s statusResult) bool {
		return len(s.Sources) > 0 && *s.Sources[0].Lag == 0 && s.Sources[0].Outbox == 0 && s.Tail.Ready
	})
	require.NoError(t, p.Process.Signal(os.Interrupt))
	second := p.end(t)
	require.Zero(t, second.SpoolBytes)
	require.EqualValues(t, 288, first.Records+second.Records)

	verify := exec.Command("ingest", "verify", "--deep", "-c", root+"/ingest.yaml", "--source",
		root+"/app.log")
	verify.Env = append(os.Environ(), s3test.Environ()...)
	out, err := verify.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "264 rows, 24 rejects")
}

// A second signal ends it while it still tries to ship.
func TestTail_SecondSignalEndsItAtOnce(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	config := "sink: '" + server.URL(bucket+"/lake") + "'\nshutdown: {grace: 1h}\n" + quickTail
	p := startTail(t, t.TempDir(), config, s3test.Environ()...)
	p.write(t, 0, 100)
	p.await(t, func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Shipped > 0 })
	server.Kill()
	p.write(t, 100, 200)
	p.await(t, func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Outbox > 0 })
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool { return strings.Contains(p.errors.String(), "ending") },
		awaitMost, 10*time.Millisecond)
	p.await(t, func(s statusResult) bool { return s.Tail != nil }) // it answers to its end
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	require.ErrorAs(t, p.Wait(), &exit)
	require.Equal(t, syscall.SIGTERM, exit.Sys().(syscall.WaitStatus).Signal())
}

// Somebody's question that waits for a store that is away keeps no tail from its state.
func TestTail_BeginsWhileAStatusWaitsForTheStore(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	config := "sink: '" + server.URL(bucket+"/lake") + "'\nshutdown: {grace: 100ms}\n" + quickTail
	root := t.TempDir()
	p := startTail(t, root, config, s3test.Environ()...)
	p.write(t, 0, 100)
	p.await(t, func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Shipped > 0 })
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.end(t)
	server.Kill()

	ask := exec.Command("ingest", "status", "-c", root+"/ingest.yaml", "--safe-to-delete",
		root+"/app.log")
	ask.Env = append(os.Environ(), s3test.Environ()...)
	var errs servicetest.Log
	ask.Stderr = &errs
	require.NoError(t, ask.Start())
	t.Cleanup(func() {
		ask.Process.Kill()
		ask.Wait()
	})
	require.Eventually(t, func() bool { return strings.Contains(errs.String(), "again") }, awaitMost,
		10*time.Millisecond, "the question waits: %s", &errs)
	p = startTail(t, root, config, s3test.Environ()...)
	p.await(t, func(s statusResult) bool { return s.Tail != nil })
	require.NotContains(t, p.errors.String(), "waiting for the state folder")
}

// A tail that waits for its state ends in good order when it is told to.
func TestTail_EndsWhileItWaitsForItsState(t *testing.T) {
	root := t.TempDir()
	p := startTail(t, root, "sink: ROOT/lake\n"+quickTail)
	p.write(t, 0, 100)
	p.await(t, func(s statusResult) bool { return len(s.Sources) > 0 && s.Sources[0].Shipped > 0 })
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.end(t)
	reader, err := offsets.OpenReadOnly(filepath.Join(root, "state"))
	require.NoError(t, err)
	defer reader.Close()
	p = startTail(t, root, "sink: ROOT/lake\n"+quickTail)
	require.Eventually(t, func() bool {
		return strings.Contains(p.errors.String(), "waiting for the state folder")
	}, awaitMost, 10*time.Millisecond)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait())
}
