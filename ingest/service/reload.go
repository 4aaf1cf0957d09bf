package service

import (
	"context"
	"os"
	"sync/atomic"
)

// reloads counts how often the config was read again.
type reloads struct {
	taken   atomic.Int64
	refused atomic.Int64
	stale   atomic.Bool // the last one was refused
}

// hearHangups reads the config again at each SIGHUP.
func (s *Service) hearHangups(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			s.reload()
		}
	}
}

// reload takes the config as it is now, or says why not and goes on by the old one: whole either
// way. The service manager hears that it is over in both cases.
func (s *Service) reload() {
	s.told(s.Notify.reloading())
	next, err := s.replan()
	s.reloads.stale.Store(err != nil)
	if err != nil {
		s.reloads.refused.Add(1)
		s.Log.Error("config reload rejected; keeping the running config", "error", err)
		s.told(s.Notify.ready("following; the last config reload was rejected"))
		return
	}
	s.reloads.taken.Add(1)
	s.Log.Info("config reloaded", "streams", len(next.Streams))
	s.told(s.Notify.ready("following"))
}

func (s *Service) replan() (*Plan, error) {
	next, err := s.Plan()
	if err != nil {
		return nil, err
	}
	if err := s.current.Load().allows(next, s.origin); err != nil {
		return nil, err
	}
	if err := s.tail.Reload(s.config(next)); err != nil {
		return nil, err
	}
	s.current.Store(next)
	return next, nil
}
