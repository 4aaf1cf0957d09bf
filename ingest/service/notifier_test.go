package service

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/service/servicetest"
)

func environ(pairs ...string) func(string) string {
	return func(name string) string {
		for _, p := range pairs {
			if v, ok := strings.CutPrefix(p, name+"="); ok {
				return v
			}
		}
		return ""
	}
}

func TestNotifier_TellsTheManager(t *testing.T) {
	names := []string{filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		names = append(names, fmt.Sprintf("@logseal-test-%d", os.Getpid()))
	}
	for _, name := range names {
		m := servicetest.NewManager(t, name)
		n, err := NewNotifier(environ("NOTIFY_SOCKET="+name, "WATCHDOG_USEC=3000000",
			"WATCHDOG_PID="+strconv.Itoa(os.Getpid())))
		require.NoError(t, err)
		require.Equal(t, 3*time.Second, n.watchdog)
		require.NoError(t, n.ready("following"))
		require.Equal(t, "READY=1\nSTATUS=following", m.Hear(t))
		require.NoError(t, n.alive())
		require.Equal(t, "WATCHDOG=1", m.Hear(t))
		require.NoError(t, n.reloading())
		require.Regexp(t, `^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]+$`, m.Hear(t))
		require.NoError(t, n.stopping())
		require.Equal(t, "STOPPING=1\nSTATUS=ending", m.Hear(t))
		require.NoError(t, n.Close())
	}
}

func TestNotifier_WithoutAManager(t *testing.T) {
	n, err := NewNotifier(environ("WATCHDOG_USEC=1"))
	require.NoError(t, err)
	require.Zero(t, n.watchdog, "nobody listens")
	require.NoError(t, n.ready(""))
	require.NoError(t, n.reloading())
	require.NoError(t, n.Close())
}

func TestNewNotifier_SaysWhatIsWrong(t *testing.T) {
	m := servicetest.NewManager(t, filepath.Join(t.TempDir(), "notify"))
	for want, env := range map[string][]string{
		"want a path":            {"NOTIFY_SOCKET=notify"},
		"NOTIFY_SOCKET: dial":    {"NOTIFY_SOCKET=/none/there"},
		`WATCHDOG_USEC: "soon":`: {"NOTIFY_SOCKET=" + m.Name, "WATCHDOG_USEC=soon"},
		`WATCHDOG_USEC: "0":`:    {"NOTIFY_SOCKET=" + m.Name, "WATCHDOG_USEC=0"},
	} {
		_, err := NewNotifier(environ(env...))
		require.ErrorContains(t, err, want)
	}
	n, err := NewNotifier(environ("NOTIFY_SOCKET="+m.Name, "WATCHDOG_USEC=5", "WATCHDOG_PID=1"))
	require.NoError(t, err)
	require.Zero(t, n.watchdog, "it is meant for another process")
}
