package s3

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection that fails when it stands still. Every write that the kernel takes starts
// the time again, for both directions: while a body is sent no reply is due. After it the store has
// that long to answer, and longer for what may still be in buffers on the way. So a slow put lives
// as long as bytes move, and a black hole ends it.
type conn struct {
	net.Conn
	stall   time.Duration
	written atomic.Int64 // since the last byte was read
}

const (
	// writeMost is the most that one write hands to the kernel: in 60 s, that is 1 KB/s.
	writeMost = 64 << 10
	// unsentMost is how much buffers hold of what was written: tcp_wmem's default for the kernel's.
	unsentMost = 4 << 20
	// perStall is how much of it must arrive in the time that a connection may stand still: 17 KB/s
	// with 60 s. It keeps parallel puts alive that share a line of some 100 KB/s.
	perStall = 1 << 20
)

// dialer dials connections that fail when they stand still for stall.
func dialer(stall time.Duration) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: min(dialTimeout, stall), KeepAlive: keepAlive}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c, stall: stall}, nil
	}
}

func (c *conn) Read(p []byte) (int, error) {
	if err := c.awaitReply(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.written.Store(0)
	}
	return n, err
}

func (c *conn) Write(p []byte) (n int, err error) {
	for {
		if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
			return n, err
		}
		part, err := c.Conn.Write(p[n:min(len(p), n+writeMost)])
		n += part
		c.written.Add(int64(part))
		if err != nil {
			return n, err
		}
		// A read may be waiting for the reply already: its time starts again as well.
		if err := c.awaitReply(); err != nil || n == len(p) {
			return n, err
		}
	}
}

// awaitReply starts the time again in which something must be read.
func (c *conn) awaitReply() error {
	unsent := min(c.written.Load(), unsentMost)
	return c.SetReadDeadline(time.Now().Add(c.stall + c.stall*time.Duration(unsent)/perStall))
}
