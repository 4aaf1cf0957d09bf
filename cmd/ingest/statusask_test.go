package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/pipeline"
	"logseal/ingest/source"
	"logseal/ingest/table"
	"logseal/ingest/verify/deletion/deletiontest"
)

// Beside a tail it is the tail that answers: the ledger is its own.
func TestStatus_AsksARunningTail(t *testing.T) {
	r := startService(t, t.TempDir())
	key := source.Key{Table: source.Table{Stream: "app", Version: 1}, Origin: "web-1",
		ID: source.NewID("web-1", "app", 0, []byte("x"))}
	require.NoError(t, r.ledger.Update(key, func(s *offsets.Source) error {
		s.Path, s.Sealed.Offset, s.Shipped = "/gone.log", 1000, 1000
		return nil
	}))
	live := pipeline.SourceStatus{Stream: "app", Version: 1, Origin: "web-1", Path: "/live.log",
		SID: source.NewID("web-1", "app", 0, []byte("y")), Size: 5000, Read: 4000, Sealed: 3000,
		Shipped: 2000, Outbox: 1, Behind: 90 * time.Second, State: "live"}
	oldest := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	r.setStatus(pipeline.TailStatus{Ready: true, Sources: []pipeline.SourceStatus{live},
		OldestUnshipped: oldest, Paused: "the spool is full", OpenFiles: 1, HeldBytes: 1 << 20,
		Problems: []pipeline.Problem{{Kind: pipeline.Unreadable, Path: "/x", Message: "no"}}})

	code, out, errs := r.ask(t)
	require.Zero(t, code, errs)
	require.Regexp(t, `tail   process [0-9]+, origin web-1, following, 1 open file, 1.0 MiB in memory
oldest unshipped: 2024-01-15T10:30:00Z
reading is paused: the spool is full
problem: /x: no

        sealed        shipped            lag  source
         1,000          1,000              \?  app/v1 `+key.ID.String()+` /gone.log
         3,000          2,000          2,000  app/v1 `+live.SID.String()+` /live.log
`, out)

	code, out, errs = r.ask(t, "--json")
	require.Zero(t, code, errs)
	var res statusResult
	require.NoError(t, json.Unmarshal([]byte(out), &res))
	require.True(t, res.OK)
	require.Len(t, res.Sources, 2)
	require.EqualValues(t, 4000, *res.Sources[1].Read)
	require.Equal(t, "live", res.Sources[1].Following)
	require.Equal(t, oldest, *res.Tail.OldestUnshipped)
	require.Equal(t, os.Getpid(), res.Tail.PID)
	require.Nil(t, res.Sources[0].Read)

	// A source that the ledger knows, too, is there once.
	require.NoError(t, r.ledger.Update(source.Key{Table: key.Table, Origin: "web-1", ID: live.SID},
		func(s *offsets.Source) error {
			s.Path, s.Sealed.Offset, s.Shipped = "/older.log", 1000, 1000
			return nil
		}))
	// A copy of it is no other state of it.
	copied := live
	copied.Path, copied.Size, copied.Sealed, copied.State = "/copy.log", 10, 0, "copy"
	r.setStatus(pipeline.TailStatus{Sources: []pipeline.SourceStatus{live, copied}})
	_, out, _ = r.ask(t, "--json")
	res = statusResult{}
	require.NoError(t, json.Unmarshal([]byte(out), &res))
	require.Len(t, res.Sources, 3)
	require.ElementsMatch(t, []string{"/gone.log", "/live.log", "/copy.log"},
		[]string{res.Sources[0].Path, res.Sources[1].Path, res.Sources[2].Path})
}

func (r *running) setStatus(s pipeline.TailStatus) {
	r.fake.mu.Lock()
	defer r.fake.mu.Unlock()
	r.fake.is = s
}

func TestStatus_AsksARunningTailWhetherAFileMayGo(t *testing.T) {
	r := startService(t, t.TempDir())
	path := filepath.Join(r.root, "app.log")
	require.NoError(t, os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o666))
	code, _, errs := r.ask(t, "--safe-to-delete", path)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "app.log, 14 bytes: not yet: nothing of it is in the table app/v1")
	code, out, _ := r.ask(t, "--json", "--safe-to-delete", path)
	require.Equal(t, exitFailed, code)
	require.Regexp(t, `^{"ok":false,"error":".*","sink":".*"safe_to_delete":{"path":".*app.log",`+
		`"size":14,"safe":false,"reason":"nothing of it is in the table app/v1"}}\n$`, out)

	st, err := files.OS().Stat(path)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	r.socketHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet,
		fmt.Sprintf("/safe?path=%s&dev=%d&inode=%d&timeout=5s", path, st.Dev, st.Inode), nil))
	require.Equal(t, http.StatusConflict, w.Code)

	deletiontest.PutLoss(t, r.store, path, table.NotWanted)
	code, out, errs = r.ask(t, "--safe-to-delete", path)
	require.Zero(t, code, errs)
	require.Equal(t, path+", 14 bytes: safe to delete, all of it is in the sink or was never wanted\n",
		out)

	code, _, errs = r.ask(t, "--safe-to-delete", path+".none")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "no such file")
	code, _, errs = r.ask(t, "--safe-to-delete", "s3://b/k")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "a tail follows files")
}

// In a container another file may be at the path that was asked about.
func TestSameFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(path, nil, 0o666))
	require.ErrorContains(t, sameFile(path, "1", "1"), "sees another file at")
	require.ErrorContains(t, sameFile(path+"x", "1", "1"), "sees no such file")

	r := startService(t, t.TempDir())
	for _, query := range []string{"path=" + path + "&dev=1&inode=1", "path=a&dev=1&inode=1", ""} {
		w := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/safe?"+query, nil)
		r.socketHandler().ServeHTTP(w, request)
		require.Equal(t, http.StatusBadRequest, w.Code, w.Body)
		require.NotContains(t, w.Body.String(), "safe_to_delete")
	}
}

// A socket that nobody answers at, or none, says that it is no tail that has the ledger.
func TestStatus_BesideALoad(t *testing.T) {
	for _, left := range []bool{false, true} {
		root := t.TempDir()
		state := filepath.Join(root, "state")
		l, err := offsets.Open(state, offsets.Meta{})
		require.NoError(t, err)
		if left {
			socket, err := listenSocket(filepath.Join(state, location.SocketName))
			require.NoError(t, err)
			require.NoError(t, socket.(*net.UnixListener).Close())
			require.FileExists(t, filepath.Join(state, location.SocketName))
		}
		(&running{root: root}).write(t, runningConfig)
		code, _, errs := (&running{root: root}).ask(t)
		require.Equal(t, exitFailed, code)
		require.Contains(t, errs, "in use by process")
		require.NoError(t, l.Close())
	}
}
