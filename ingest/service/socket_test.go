package service

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/location"
)

// A name that is longer than a socket's address may be is reached all the same.
func TestService_AnswersAtALongPath(t *testing.T) {
	root := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	require.NoError(t, os.MkdirAll(root, 0o777))
	for _, at := range []string{t.TempDir(), root} {
		r := startService(t, at)
		st, err := os.Stat(filepath.Join(at, "state", location.SocketName))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
		is, err := r.ask(t, Question{})
		require.NoError(t, err)
		require.Equal(t, "web-1", *is.Tail.Origin)
		require.False(t, is.Tail.Ready)
		require.NoError(t, r.stop())
	}
}

// The socket of a tail that was killed is in nobody's way.
func TestService_ReplacesAnOldSocket(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(root+"/state", 0o777))
	for _, name := range []string{location.SocketName, location.SocketName + ".new"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "state", name), nil, 0o666))
	}
	r := startService(t, root)
	_, err := r.ask(t, Question{})
	require.NoError(t, err)
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
