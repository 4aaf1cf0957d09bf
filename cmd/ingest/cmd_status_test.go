package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/location"
	"logseal/ingest/offsets"
)

// answeringTail is a state folder that a process has, with a tail that gives one answer to all questions.
type answeringTail struct {
	state  string
	asked  string // the last question
	code   int
	answer string
}

func startAnsweringTail(t *testing.T) *answeringTail {
	x := &answeringTail{state: filepath.Join(t.TempDir(), "state"), code: http.StatusOK}
	ledger, err := offsets.Open(x.state, offsets.Meta{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	l, err := net.Listen("unix", filepath.Join(x.state, location.SocketName))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.asked = r.URL.Path
		w.WriteHeader(x.code)
		_, _ = w.Write([]byte(x.answer))
	}))
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return x
}

// ask runs `ingest status` and gives what it printed and its exit code.
func (x *answeringTail) ask(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"status", "--state", x.state}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func TestStatus_TellsOfARunningTail(t *testing.T) {
	x := startAnsweringTail(t)
	x.answer = `{"ok":true,"sink":"/lake","state":"/state","sources":[{"stream":"app","version":1,
		"origin":"web-1","sid":"0100000000000000000000000000000a","k":0,"path":"/gone.log","sealed":1000,
		"shipped":1000,"lag":null,"outbox":0},{"stream":"app","version":1,"origin":"web-1",
		"sid":"0200000000000000000000000000000b","k":0,"path":"/live.log","sealed":3000,"shipped":2000,
		"lag":2000,"outbox":1,"read":4000,"behind_seconds":90,"following":"live"}],
		"spool":{"batches":0,"bytes":0},"tail":{"pid":7,"origin":"web-1","ready":true,
		"paused":"the spool is full","paused_seconds":0,"held_bytes":1048576,"open_files":1,
		"oldest_unshipped":"2024-01-15T10:30:00Z","config_refused":false,"streams":[],
		"problems":[{"kind":"unreadable","path":"/x","message":"no"}]}}`
	code, out, errs := x.ask()
	require.Zero(t, code, errs)
	require.Equal(t, "/status", x.asked)
	require.Equal(t, `sink   /lake
state  /state
spool  0 batches, 0 B
tail   process 7, origin web-1, following, 1 open file, 1.0 MiB in memory
oldest unshipped: 2024-01-15T10:30:00Z
reading is paused: the spool is full
problem: /x: no

        sealed        shipped            lag  source
         1,000          1,000              ?  app/v1 0100000000000000000000000000000a /gone.log
         3,000          2,000          2,000  app/v1 0200000000000000000000000000000b /live.log
`, out)

	code, out, errs = x.ask("--json")
	require.Zero(t, code, errs)
	require.JSONEq(t, x.answer, out)
}

func TestStatus_TellsWhatARunningTailSaysOfAFile(t *testing.T) {
	x := startAnsweringTail(t)
	path := filepath.Join(t.TempDir(), "app.log")
	require.NoError(t, os.WriteFile(path, []byte("one\n"), 0o666))
	x.answer = `{"ok":true,"safe_to_delete":{"path":"/a.log","size":4,"safe":true,"reason":"all of it"}}`
	code, out, errs := x.ask("--safe-to-delete", path)
	require.Zero(t, code, errs)
	require.Equal(t, "/safe", x.asked)
	require.Equal(t, "/a.log, 4 bytes: safe to delete, all of it\n", out)

	x.code = http.StatusConflict
	x.answer = `{"ok":false,"error":"no","safe_to_delete":{"path":"/a.log","size":4,"safe":false,"reason":"why"}}`
	code, _, errs = x.ask("--safe-to-delete", path)
	require.Equal(t, exitFailed, code)
	require.Equal(t, "ingest: /a.log, 4 bytes: not yet: why\n", errs)

	for status, want := range map[int]int{
		http.StatusBadRequest: exitUsage, http.StatusInternalServerError: exitFailed,
	} {
		x.code, x.answer = status, `{"ok":false,"error":"the reason"}`
		code, out, errs = x.ask("--json", "--safe-to-delete", path)
		require.Equal(t, want, code)
		require.Contains(t, errs, "the reason")
		require.Contains(t, out, `{"ok":false,"error":"the reason",`)
	}
	code, _, errs = x.ask("--safe-to-delete", "s3://b/k")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "a tail follows files")
	code, _, _ = x.ask("--safe-to-delete", path+".none")
	require.Equal(t, exitUsage, code)
}

// A lock that no tail has is an error, and the JSON object has its lists all the same.
func TestStatus_BesideALoad(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	ledger, err := offsets.Open(state, offsets.Meta{})
	require.NoError(t, err)
	defer ledger.Close()
	x := &answeringTail{state: state}
	code, out, errs := x.ask("--json")
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "in use by process")
	require.Contains(t, out, `"sources":[]`)
}
