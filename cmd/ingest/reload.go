package main

import (
	"context"
	"os"
)

// hearHangups reads the config again at each SIGHUP.
func (s *service) hearHangups(ctx context.Context, hangups <-chan os.Signal) {
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
func (s *service) reload() {
	s.told(s.notify.reloading())
	next, err := s.replan()
	s.stale.Store(err != nil)
	if err != nil {
		s.refused.Add(1)
		s.app.log.Error("the config was not taken; the old one goes on", "error", err)
		s.told(s.notify.ready("following; the last reload was refused"))
		return
	}
	s.reloaded.Add(1)
	s.app.log.Info("the config was read again", "streams", len(next.streams))
	s.told(s.notify.ready("following"))
}

func (s *service) replan() (*plan, error) {
	next, err := s.plan()
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
