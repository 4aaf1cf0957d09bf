package s3test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// Wire is a way to a Server, on a port of its own, whose connections can be made bad: toxiproxy.
// It knows bytes, not HTTP. Signatures stay right, as they are made for the Wire's own address.
type Wire struct {
	server *Server
	proxy  *toxiproxy.Proxy
}

// Direction is which bytes a fault is for.
type Direction string

// The directions of a fault: what the server is sent, and what it answers.
const (
	Upstream   Direction = "upstream"
	Downstream Direction = "downstream"
)

var quiet sync.Once

// Wire makes a way to the server that ends with the test.
func (s *Server) Wire(tb testing.TB) *Wire {
	tb.Helper()
	quiet.Do(func() { zerolog.SetGlobalLevel(zerolog.Disabled) }) // toxics write to its global log
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w := &Wire{s, toxiproxy.NewProxy(api, "s3", "127.0.0.1:0", s.Addr)}
	w.Up(tb)
	tb.Cleanup(w.Down)
	return w
}

// Fault makes the connections bad from now on, those that are open too. kind and its attributes
// are toxiproxy's:
//
//	latency     latency, jitter: milliseconds
//	bandwidth   rate: KB/s
//	limit_data  bytes: after how many a connection is closed
//	reset_peer  timeout: milliseconds until a connection is reset
//	timeout     timeout: 0 is a black hole
//	slicer      average_size, size_variation: bytes; delay: microseconds
//
// share is of how many connections: 1 for all.
func (w *Wire) Fault(
	tb testing.TB, kind string, d Direction, attributes map[string]any, share float64,
) {
	tb.Helper()
	b, err := json.Marshal(map[string]any{"type": kind, "stream": d, "toxicity": share,
		"attributes": attributes})
	require.NoError(tb, err)
	_, err = w.proxy.Toxics.AddToxicJson(strings.NewReader(string(b)))
	require.NoError(tb, err)
}

// Mend takes all faults away. On busy connections that may take seconds: a Wire for each fault is
// quicker.
func (w *Wire) Mend(tb testing.TB) { w.proxy.Toxics.ResetToxics(tb.Context()) }

// Down cuts all connections and takes no new ones.
func (w *Wire) Down() { w.proxy.Stop() }

// Up takes connections again, on the same port.
func (w *Wire) Up(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, w.proxy.Start())
}

// Endpoint is the base URL of the server by this way.
func (w *Wire) Endpoint() string {
	scheme, _, _ := strings.Cut(w.server.Endpoint(), "://")
	return scheme + "://" + w.proxy.Listen
}

// URL is Server.URL by this way.
func (w *Wire) URL(place string) string {
	return strings.Replace(w.server.URL(place), w.server.Endpoint(), w.Endpoint(), 1)
}

// Leaky are functions of toxiproxy that some goroutines never come back from after a fault, which a
// search for leaked goroutines is to look past.
func Leaky() []string {
	const path = "github.com/Shopify/toxiproxy/v2"
	return []string{path + ".(*ToxicLink).read", path + ".(*ToxicLink).write",
		path + "/toxics.(*ToxicStub).Run", path + "/stream.(*ChanWriter).Write"}
}
