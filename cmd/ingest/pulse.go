package main

import (
	"context"
	"time"
)

const (
	// pulseEvery is how often the tail is asked how it is, when nobody wants to know more often.
	pulseEvery = 5 * time.Second
	// lookMost is how old the last look at all files may be of a tail that is well. A look at
	// thousands of files takes a fraction of a second; at a network file system that hangs, for ever.
	lookMost = time.Minute
	// pulseMost is how old the last pulse may be of a service that is well.
	pulseMost = lookMost
)

// watchPulse asks the tail now and then how it is, and tells the service manager when it is well.
// A tail that hangs does not answer, and then nobody is told: the manager starts it again.
func (s *service) watchPulse(ctx context.Context) {
	every := pulseEvery
	if s.notify.watchdog > 0 {
		every = min(every, s.notify.watchdog/2)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		// A tail that hangs in its answer must not keep the service from its end.
		well := make(chan bool, 1)
		go func() { well <- s.well() }()
		select {
		case <-ctx.Done():
			return
		case ok := <-well:
			if ok {
				s.pulse.Store(time.Now().UnixNano())
				s.told(s.notify.alive())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// well tells whether the tail answers and looks at its files. Before its first look it may wait for
// the sink, and at its end it looks no more: it is well if it answers.
func (s *service) well() bool {
	last := s.tail.LastLook()
	return last.IsZero() || s.ending.Load() || time.Since(last) < lookMost
}

// alive tells whether the tail was well a short time ago.
func (s *service) alive() bool {
	return time.Since(time.Unix(0, s.pulse.Load())) < pulseMost
}

// told logs that the service manager could not be told something: it acts on its own then.
func (s *service) told(err error) {
	if err != nil {
		s.app.log.Warn("the service manager was not told", "error", err)
	}
}
