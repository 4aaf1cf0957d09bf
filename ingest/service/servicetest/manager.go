// Package servicetest stands in for what is around a service: a service manager and a log.
package servicetest

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Manager is a service manager: it hears what services tell.
type Manager struct {
	Name string // of its socket
	conn *net.UnixConn
}

// NewManager listens at a socket, which is closed at the end of the test.
func NewManager(t *testing.T, name string) *Manager {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return &Manager{Name: name, conn: conn}
}

// Hear waits for the next thing that was told.
func (m *Manager) Hear(t *testing.T) string {
	require.NoError(t, m.conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	b := make([]byte, 4096)
	n, err := m.conn.Read(b)
	require.NoError(t, err)
	return string(b[:n])
}

// Hears wants the manager to be told something next, that all is well apart.
func (m *Manager) Hears(t *testing.T, want string) {
	for {
		switch have := m.Hear(t); {
		case have == "WATCHDOG=1":
		case strings.HasPrefix(want, "RELOADING"):
			require.True(t, strings.HasPrefix(have, want), have)
			return
		default:
			require.Equal(t, want, have)
			return
		}
	}
}
