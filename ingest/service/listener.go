package service

import (
	"container/list"
	"net"
	"sync"
)

const (
	// clientsMost is how many connections one listener keeps: some scrapers, probes and people.
	clientsMost = 64
	// clientsShare is the part of the process's open files that one listener may take.
	clientsShare = 8
	// clientsLeast is how many connections a listener keeps however few files may be open.
	clientsLeast = 4
)

// clientsLimit is how many connections one listener keeps in this process.
func clientsLimit() int {
	files, err := openFilesLimit()
	if err != nil {
		return clientsLeast
	}
	return max(clientsLeast, min(clientsMost, files/clientsShare))
}

// boundedListener keeps at most so many connections open. One more closes the oldest: a client that
// asks and reads the answer is done long before its turn comes, also while others only hold on.
type boundedListener struct {
	net.Listener
	most int

	mu   sync.Mutex // guards open, which a connection leaves when it is closed
	open list.List  // of *boundedConn, the oldest first
}

func newBoundedListener(l net.Listener, most int) *boundedListener {
	return &boundedListener{Listener: l, most: most}
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	b := &boundedConn{Conn: c, of: l}
	if oldest := l.add(b); oldest != nil {
		_ = oldest.Close() // the client is not waited for; how that ends is of no interest
	}
	return b, nil
}

// add keeps a connection and gives the one that is to go for it, nil for none.
func (l *boundedListener) add(c *boundedConn) (oldest *boundedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.place = l.open.PushBack(c)
	if l.open.Len() <= l.most {
		return nil
	}
	return l.open.Front().Value.(*boundedConn)
}

// boundedConn is a connection of a boundedListener.
type boundedConn struct {
	net.Conn
	of    *boundedListener
	place *list.Element
	once  sync.Once
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	c.once.Do(func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.of.open.Remove(c.place)
	})
	return c.Conn.Close()
}
