package s3

import (
	"context"
	"net"
	"time"
)

// conn is a connection that fails when it stands still. Every write that the kernel takes and
// every read that gives something starts the time anew, for both directions: while a body is sent
// no reply is due, and after it the store has that long to answer. So a slow put lives as long as
// bytes move, and a black hole ends it.
type conn struct {
	net.Conn
	stall time.Duration
}

// writeMost is the most that one write hands to the kernel: 60 s for it is 1 KB/s.
const writeMost = 64 << 10

// dialer dials connections that fail when they stand still for stall.
func dialer(stall time.Duration) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: min(dialTimeout, stall), KeepAlive: keepAlive}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &conn{c, stall}, nil
	}
}

func (c *conn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *conn) Write(p []byte) (n int, err error) {
	for {
		// A read may be waiting for the reply at the same time: its time starts anew as well.
		if err := c.SetDeadline(time.Now().Add(c.stall)); err != nil {
			return n, err
		}
		part, err := c.Conn.Write(p[n:min(len(p), n+writeMost)])
		n += part
		if err != nil || n == len(p) {
			return n, err
		}
	}
}
