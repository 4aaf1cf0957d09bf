package service

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// One connection too many closes the oldest, and one that was closed no longer counts.
func TestBoundedListener_ClosesTheOldest(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newBoundedListener(inner, 2)
	defer l.Close()
	accept := func() (client, server net.Conn) {
		client, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { client.Close() })
		server, err = l.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { server.Close() })
		return client, server
	}
	first, _ := accept()
	second, atSecond := accept()
	accept()
	_, err = first.Read(make([]byte, 1))
	require.Error(t, err, "the oldest is closed")
	require.NoError(t, atSecond.Close())
	_, err = second.Read(make([]byte, 1))
	require.Error(t, err)
	last, atLast := accept()
	require.Equal(t, 2, l.open.Len())
	_, err = atLast.Write([]byte("x"))
	require.NoError(t, err)
	_, err = last.Read(make([]byte, 1))
	require.NoError(t, err)
}

func TestClientsLimit_IsBounded(t *testing.T) {
	require.GreaterOrEqual(t, clientsLimit(), clientsLeast)
	require.LessOrEqual(t, clientsLimit(), clientsMost)
}
