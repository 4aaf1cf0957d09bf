package service

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/location"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
	"logseal/ingest/tail"
	"logseal/ingest/usage"
	"logseal/ingest/verify/deletion"
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
	live := tail.SourceStatus{Stream: "app", Version: 1, Origin: "web-1", Path: "/live.log",
		SID: source.NewID("web-1", "app", 0, []byte("y")), Size: 5000, Read: 4000, Sealed: 3000,
		Shipped: 2000, Outbox: 1, Behind: 90 * time.Second, State: "live"}
	oldest := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	r.setStatus(tail.Status{Ready: true, Sources: []tail.SourceStatus{live},
		OldestUnshipped: oldest, Paused: "the spool is full", OpenFiles: 1, HeldBytes: 1 << 20,
		Problems: []commit.Problem{{Kind: commit.Unreadable, Path: "/x", Message: "no"}}})

	res, err := r.ask(t, Question{})
	require.NoError(t, err)
	require.Len(t, res.Sources, 2)
	require.EqualValues(t, 4000, *res.Sources[1].Read)
	require.Equal(t, "live", res.Sources[1].Following)
	require.EqualValues(t, 2000, *res.Sources[1].Lag)
	require.Equal(t, oldest, *res.Tail.OldestUnshipped)
	require.Equal(t, os.Getpid(), res.Tail.PID)
	require.Equal(t, "the spool is full", res.Tail.Paused)
	require.Equal(t, []Problem{{commit.Unreadable, "/x", "no"}}, res.Tail.Problems)
	require.Nil(t, res.Sources[0].Read)
	require.Nil(t, res.Sources[0].Lag, "its file does not tell")

	// A source that the ledger knows, too, is there once.
	require.NoError(t, r.ledger.Update(source.Key{Table: key.Table, Origin: "web-1", ID: live.SID},
		func(s *offsets.Source) error {
			s.Path, s.Sealed.Offset, s.Shipped = "/older.log", 1000, 1000
			return nil
		}))
	// A copy of it is no other state of it.
	copied := live
	copied.Path, copied.Size, copied.Sealed, copied.State = "/copy.log", 10, 0, "copy"
	r.setStatus(tail.Status{Sources: []tail.SourceStatus{live, copied}})
	res, err = r.ask(t, Question{})
	require.NoError(t, err)
	require.Len(t, res.Sources, 3)
	require.ElementsMatch(t, []string{"/gone.log", "/live.log", "/copy.log"},
		[]string{res.Sources[0].Path, res.Sources[1].Path, res.Sources[2].Path})
}

func (r *running) setStatus(s tail.Status) {
	r.fake.mu.Lock()
	defer r.fake.mu.Unlock()
	r.fake.is = s
}

func TestStatus_AsksARunningTailWhetherAFileMayGo(t *testing.T) {
	r := startService(t, t.TempDir())
	path := filepath.Join(r.root, "app.log")
	require.NoError(t, os.WriteFile(path, []byte("one\ntwo\nthree\n"), 0o666))
	about := func(path string) Question { return Question{SafeToDelete: path, Timeout: 5 * time.Second} }
	is, err := r.ask(t, about(path))
	require.ErrorContains(t, err, "app.log, 14 bytes: not yet: nothing of it is in the table app/v1")
	require.False(t, usage.Is(err))
	require.Equal(t, &deletion.Answer{Path: path, Size: 14, Reason: "nothing of it is in the table app/v1"},
		is.Safe)

	st, err := files.OS().Stat(path)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	r.socketHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet,
		fmt.Sprintf("/safe?path=%s&dev=%d&inode=%d&timeout=5s", path, st.Dev, st.Inode), nil))
	require.Equal(t, http.StatusConflict, w.Code)
	require.Regexp(t, `^{"ok":false,"error":".*","sink":".*"safe_to_delete":{"path":".*app.log",`+
		`"size":14,"safe":false,"reason":"nothing of it is in the table app/v1"}}\n$`, w.Body.String())

	deletiontest.PutLoss(t, r.store, path, table.NotWanted)
	is, err = r.ask(t, about(path))
	require.NoError(t, err)
	require.Equal(t, &deletion.Answer{Path: path, Size: 14, Safe: true,
		Reason: "all of it is in the sink or was never wanted"}, is.Safe)

	_, err = r.ask(t, about(path+".none"))
	require.ErrorContains(t, err, "no such file")
	require.True(t, usage.Is(err))
	_, err = r.ask(t, about("s3://b/k"))
	require.ErrorContains(t, err, "a tail follows files")
	require.True(t, usage.Is(err))
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
		_, err = (&running{root: root}).ask(t, Question{})
		require.ErrorContains(t, err, "in use by process")
		require.NoError(t, l.Close())
	}
}
