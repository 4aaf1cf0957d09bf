package crash_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// gate is a way to a server that numbers the requests, and lets a test do what it likes at each.
type gate struct {
	*cloud
	faults *s3test.Faults
	front  *httptest.Server

	mu    sync.Mutex // guards what follows
	rule  rule
	asked int
	busy  int // requests that are being answered
	idle  *sync.Cond
}

// rule says who answers the n-th request, counted from 1; nil is the server.
type rule func(n int, r *http.Request) http.HandlerFunc

// faultOf is what a request carries its fault by.
type faultOf struct{}

// newGate makes a way to a server of its own.
func newGate(t testing.TB) *gate {
	t.Helper()
	return newGateTo(t, newCloud(t))
}

func newGateTo(t testing.TB, c *cloud) *gate {
	t.Helper()
	g := &gate{faults: c.Faults(t), rule: open}
	g.idle = sync.NewCond(&g.mu)
	g.faults.Set(func(r *http.Request) *s3test.Fault {
		fault, _ := r.Context().Value(faultOf{}).(*s3test.Fault)
		return fault
	})
	g.front = httptest.NewUnstartedServer(g)
	g.front.Config.ErrorLog = log.New(io.Discard, "", 0)
	g.front.Start()
	t.Cleanup(func() {
		g.front.CloseClientConnections()
		g.front.Close()
	})
	g.cloud = c.by(g.front.URL)
	return g
}

// open is the rule that lets all requests pass.
func open(int, *http.Request) http.HandlerFunc { return nil }

// set makes rule decide about each request from now on, counted anew.
func (g *gate) set(rule rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rule, g.asked = rule, 0
}

// settle opens the gate, and waits until what was on its way is answered. It returns how many
// requests there were.
func (g *gate) settle() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	asked := g.asked
	g.rule = open
	for g.busy > 0 {
		g.idle.Wait()
	}
	return asked
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked++
	g.busy++
	handle := g.rule(g.asked, r)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.busy--
		g.idle.Broadcast()
	}()
	if handle == nil {
		handle = g.faults.ServeHTTP
	}
	handle(w, r)
}

// with answers with a fault.
func (g *gate) with(fault s3test.Fault) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.faults.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), faultOf{}, &fault)))
	}
}

// killingBefore kills whoever asks, by closing kill, before the server hears of it.
func (g *gate) killingBefore(kill chan<- time.Time) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		close(kill)
		awaitDeath(r)
	}
}

// killingAfter kills whoever asks once the server has done it.
func (g *gate) killingAfter(kill chan<- time.Time) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		g.faults.ServeHTTP(httptest.NewRecorder(), r)
		close(kill)
		awaitDeath(r)
	}
}

// awaitDeath waits until the one who asks is gone, and answers nothing.
func awaitDeath(r *http.Request) {
	io.Copy(io.Discard, r.Body) // while there is more to read nobody looks whether he is
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// crashingBefore kills the server before it hears of a request, and starts it again.
func (g *gate) crashingBefore(t testing.TB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.Kill()
		defer g.Restart(t)
		g.faults.ServeHTTP(w, r)
	}
}

// crashingAfter kills the server before anybody hears that it has done it, and starts it again.
func (g *gate) crashingAfter(t testing.TB) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		g.faults.ServeHTTP(httptest.NewRecorder(), r)
		g.Restart(t)
		panic(http.ErrAbortHandler)
	}
}

// resetting resets the connection: before the server hears of the request, when half of it is
// read, or once it is done.
func (g *gate) resetting(t testing.TB, phase int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch phase {
		case 1:
			io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		case 2:
			g.faults.ServeHTTP(httptest.NewRecorder(), r)
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		require.NoError(t, err)
		conn.(*net.TCPConn).SetLinger(0) // closing it sends a reset
		conn.Close()
	}
}
