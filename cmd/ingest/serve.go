package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// headerWait bounds how long a client may take to say what it wants.
const headerWait = 10 * time.Second

// serveMetrics answers /metrics, /healthz and /readyz until ctx is cancelled, if someone asked for
// it.
func (s *service) serveMetrics(
	ctx context.Context, wait *sync.WaitGroup, puts *prometheus.HistogramVec,
) error {
	if s.listen == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("serve metrics at %s: %w", s.listen, err)
	}
	s.app.log.Info("serving metrics", "address", l.Addr().String())
	s.serve(ctx, wait, l, s.metricsHandler(newRegistry(s, puts)))
	return nil
}

func (s *service) metricsHandler(from prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(from, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, s.alive(), "it does not look at its files")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, s.status().Ready, "the first look at all files is not done, or the sink not reached")
	})
	return mux
}

// answer says ok or why not, as probes want it.
func answer(w http.ResponseWriter, ok bool, why string) {
	if !ok {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// serve answers on l until ctx is cancelled; then also what is being answered ends.
func (s *service) serve(ctx context.Context, wait *sync.WaitGroup, l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headerWait, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	wait.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.app.log.Error("no longer answering", "address", l.Addr().String(), "error", err)
		}
	})
	wait.Go(func() {
		<-ctx.Done()
		if err := server.Close(); err != nil {
			s.app.log.Warn("stop answering", "error", err)
		}
	})
}
