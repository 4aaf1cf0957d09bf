package service

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/service/servicetest"
	"logseal/ingest/tail"
)

// A tail that does not answer, or does not look at its files, is not well; one that waits for the
// sink before its first look, or that ends, is.
func TestService_Watchdog(t *testing.T) {
	for name, c := range map[string]struct {
		tail   *fakeTail
		ending bool
		want   bool
		why    string
	}{
		"looks": {tail: &fakeTail{is: tail.Status{LastLook: time.Unix(1<<40, 0)}}, want: true},
		"waits": {tail: &fakeTail{}, want: true},
		"ends":  {tail: &fakeTail{is: tail.Status{LastLook: time.Unix(1, 0)}}, ending: true, want: true},
		"is blind": {tail: &fakeTail{is: tail.Status{LastLook: time.Unix(1, 0)}},
			why: "it does not look at its files"},
		"is stuck": {tail: &fakeTail{stuck: time.Unix(1, 0)},
			why: "nothing can be sealed or shipped: the disk is broken"},
		"is silent": {tail: &fakeTail{hangs: make(chan struct{})}, why: "it does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.tail.hangs != nil {
					c.tail.hangs = make(chan struct{})
				}
				s := &Service{Log: slog.New(slog.DiscardHandler), Notify: &Notifier{}, tail: c.tail}
				s.ending.Store(c.ending)
				s.health.lastWell.Store(time.Now().UnixNano())
				ctx, cancel := context.WithCancel(t.Context())
				var wait sync.WaitGroup
				wait.Go(func() { s.feedWatchdog(ctx) })
				require.True(t, s.alive())
				<-time.After(2 * wellMost)
				synctest.Wait()
				require.Equal(t, c.want, s.alive())
				if !c.want {
					require.Equal(t, c.why, s.complaint())
				}
				cancel()
				wait.Wait()
				if c.tail.hangs != nil {
					close(c.tail.hangs)
				}
			})
		})
	}
}

func TestService_TellsTheWatchdog(t *testing.T) {
	m := servicetest.NewManager(t, filepath.Join(t.TempDir(), "notify"))
	n, err := NewNotifier(environ("NOTIFY_SOCKET="+m.Name, "WATCHDOG_USEC=20000"))
	require.NoError(t, err)
	defer n.Close()
	s := &Service{Log: slog.New(slog.DiscardHandler), Notify: n, tail: &fakeTail{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { s.feedWatchdog(ctx) })
	start := time.Now()
	for range 3 {
		require.Equal(t, "WATCHDOG=1", m.Hear(t))
	}
	require.Less(t, time.Since(start), watchdogEvery, "as often as it is wanted")
	cancel()
	wait.Wait()
}
