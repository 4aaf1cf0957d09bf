package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

// noise is n bytes that are the same each time and compress badly.
func noise(n int) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(b)
	return b
}

// attributes are those of a fault.
type attributes = map[string]any

// wired gives a store by way of a Wire, with little patience, and one that goes around it.
func wired(t *testing.T, stall time.Duration) (w *s3test.Wire, s, direct *Store) {
	t.Helper()
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	w = server.Wire(t)
	o, err := ParseURL(w.URL(bucket))
	require.NoError(t, err)
	o.Stall = stall
	return w, openOptions(t, o), open(t, server.URL(bucket))
}

func TestWire_PutsThatBreak(t *testing.T) {
	const hole = 12 * time.Second // to see that nothing comes: five times the stall
	big := sinktest.Object(key, noise(4<<20))
	for name, c := range map[string]struct {
		kind      string
		direction s3test.Direction
		with      attributes
		done      bool // the store has the object for all that
		atMost    time.Duration
	}{
		"cut in mid-put":    {"limit_data", s3test.Upstream, attributes{"bytes": 1 << 20}, false, 0},
		"reset":             {"reset_peer", s3test.Upstream, attributes{"timeout": 0}, false, 0},
		"black hole":        {"timeout", s3test.Upstream, attributes{"timeout": 0}, false, hole},
		"reply lost":        {"limit_data", s3test.Downstream, attributes{"bytes": 0}, true, 0},
		"reply into a hole": {"timeout", s3test.Downstream, attributes{"timeout": 0}, true, hole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s, direct := wired(t, time.Second)
			w.Fault(t, c.kind, c.direction, c.with, 1)
			start := time.Now()
			err := s.Put(t.Context(), big)
			require.ErrorAs(t, err, new(*sink.TransientError))
			if c.atMost > 0 {
				require.Less(t, time.Since(start), c.atMost)
			}
			_, err = direct.Stat(t.Context(), key)
			if c.done {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, sink.ErrNotFound)
			}
			w.Mend(t)
			require.NoError(t, s.Put(t.Context(), big), "and then again")
			info, err := direct.Stat(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, big.SHA256, info.SHA256)
		})
	}
}

func TestWire_SlowIsNotDead(t *testing.T) {
	o := sinktest.Object(key, noise(3<<20))
	for name, fault := range map[string]struct {
		kind      string
		direction s3test.Direction
		with      attributes
	}{
		"a slow way up":   {"bandwidth", s3test.Upstream, attributes{"rate": 1000}},
		"a slow way down": {"bandwidth", s3test.Downstream, attributes{"rate": 1000}},
		"latency":         {"latency", s3test.Downstream, attributes{"latency": 300, "jitter": 50}},
		"little pieces": {"slicer", s3test.Upstream,
			attributes{"average_size": 5000, "size_variation": 1000, "delay": 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s, _ := wired(t, time.Second)
			w.Fault(t, fault.kind, fault.direction, fault.with, 1)
			require.NoError(t, s.Put(t.Context(), o))
			r, info, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			defer r.Close()
			b, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, o.SHA256, sha256.Sum256(b))
			require.Equal(t, o.SHA256, info.SHA256)
		})
	}
}

func TestWire_Outage(t *testing.T) {
	w, s, _ := wired(t, time.Second)
	o := sinktest.Object(key, []byte("bytes"))
	require.NoError(t, s.Put(t.Context(), o))
	w.Down()
	for call, f := range calls {
		require.ErrorAs(t, f(t.Context(), s), new(*sink.TransientError), call)
	}
	w.Up(t)
	for call, f := range calls {
		require.NoError(t, s.Put(t.Context(), o))
		require.NoError(t, f(t.Context(), s), call)
	}
}

func TestWire_CancelledInMidPut_EndsAtOnce(t *testing.T) {
	w, s, direct := wired(t, time.Minute)
	w.Fault(t, "timeout", s3test.Upstream, attributes{"timeout": 0}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := s.Put(ctx, sinktest.Object(key, noise(1<<20)))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorAs(t, err, new(*sink.TransientError))
	require.Less(t, time.Since(start), 5*time.Second)
	_, err = direct.Stat(t.Context(), key)
	require.ErrorIs(t, err, sink.ErrNotFound)
}

// hook is a connection that calls f once, before the write that passes n bytes.
type hook struct {
	net.Conn
	left *atomic.Int64
	f    func()
}

func (h *hook) Write(p []byte) (int, error) {
	before := h.left.Add(-int64(len(p))) + int64(len(p))
	if before <= int64(len(p)) && before > 0 {
		n, err := h.Conn.Write(p[:before])
		h.f()
		if err != nil {
			return n, err
		}
		m, err := h.Conn.Write(p[before:])
		return n + m, err
	}
	return h.Conn.Write(p)
}

// A server that dies in mid-put has the whole object or none, and the same put works after it.
func TestPut_ServerKilledInMidPut(t *testing.T) {
	const size = 8 << 20
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	places := []int64{1, 500, 1 << 20, size / 2, size - 1, size, size + 500}
	if testing.Short() {
		places = places[:3]
	}
	for i, at := range places {
		s := open(t, server.URL(bucket))
		left := new(atomic.Int64)
		left.Store(at)
		tr := s.http.Transport.(*http.Transport)
		dial := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &hook{c, left, server.Kill}, nil
		}
		o := sinktest.Object(sinktest.Key(i), append(noise(size), byte(i)))
		err := s.Put(t.Context(), o)
		require.ErrorAs(t, err, new(*sink.TransientError), "killed at byte %d", at)
		server.Restart(t)
		info, err := s.Stat(t.Context(), o.Key)
		if err == nil {
			require.Equal(t, o.SHA256, info.SHA256)
		} else {
			require.ErrorIs(t, err, sink.ErrNotFound)
		}
		require.NoError(t, s.Put(t.Context(), o))
		r, _, err := s.Get(t.Context(), o.Key)
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.True(t, bytes.Equal(append(noise(size), byte(i)), b))
	}
}
