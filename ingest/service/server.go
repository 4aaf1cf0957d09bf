package service

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// headerWait bounds how long a client may take to say what it wants.
	headerWait = 10 * time.Second
	// readWait is the same for all of a request.
	readWait = 15 * time.Second
	// writeWait bounds how long a client may take to read an answer.
	writeWait = 30 * time.Second
	// idleWait is how long a connection is kept for a client's next request: longer than scrapes are
	// apart.
	idleWait = 2 * time.Minute
	// headerMost bounds what a client may say, in bytes.
	headerMost = 16 << 10
	// scrapesMost is how many scrapes are answered at once; each holds all metrics in memory.
	scrapesMost = 4
)

// serveMetrics answers /metrics, /healthz and /readyz until ctx is cancelled, if someone asked for
// it.
func (s *Service) serveMetrics(
	ctx context.Context, wait *sync.WaitGroup, puts *prometheus.HistogramVec,
) error {
	if s.Listen == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("serve metrics at %s: %w", s.Listen, err)
	}
	s.Log.Info("serving metrics", "address", l.Addr().String())
	s.serve(ctx, wait, l, s.metricsHandler(newRegistry(s, puts)))
	return nil
}

func (s *Service) metricsHandler(from prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(from, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesMost, ErrorLog: s.serverLog(),
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		probe(w, s.alive(), s.complaint())
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		probe(w, s.Status().Ready, "the first look at all files is not done, or the sink not reached")
	})
	return mux
}

// probe says ok or why not, as probes want it.
func probe(w http.ResponseWriter, ok bool, why string) {
	if !ok {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// serverLog is where servers say what goes wrong with clients.
func (s *Service) serverLog() *log.Logger {
	return slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn)
}

// serve answers on l until ctx is cancelled; then also what is being answered ends. However many
// clients there are and whatever they do, they take few descriptors and little memory.
func (s *Service) serve(ctx context.Context, wait *sync.WaitGroup, l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headerWait, ReadTimeout: readWait, WriteTimeout: writeWait,
		IdleTimeout: idleWait, MaxHeaderBytes: headerMost, ErrorLog: s.serverLog(),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	wait.Go(func() {
		err := server.Serve(newBoundedListener(l, clientsLimit()))
		if !errors.Is(err, http.ErrServerClosed) {
			s.Log.Error("no longer answering", "address", l.Addr().String(), "error", err)
		}
	})
	wait.Go(func() {
		<-ctx.Done()
		if err := server.Close(); err != nil {
			s.Log.Warn("stop answering", "error", err)
		}
	})
}
