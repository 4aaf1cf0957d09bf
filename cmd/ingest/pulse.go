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
	// stuckMost is for how long nothing may be sealed or shipped by a tail that is well.
	stuckMost = time.Minute
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
		ails := make(chan string, 1)
		go func() { ails <- s.ails() }()
		select {
		case <-ctx.Done():
			return
		case why := <-ails:
			s.ailing.Store(&why)
			if why == "" {
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

// ails tells why the tail, which answers, is not well, empty if it is: it does not look at its files, or
// nothing can be sealed or shipped. Before its first look it may wait for the sink, and at its end it looks
// no more.
func (s *service) ails() string {
	if last := s.tail.LastLook(); !last.IsZero() && !s.ending.Load() && time.Since(last) >= lookMost {
		return "it does not look at its files"
	}
	if since, why := s.tail.Stuck(); !since.IsZero() && time.Since(since) >= stuckMost {
		return "nothing can be sealed or shipped: " + why
	}
	return ""
}

// complaint is what is known of why the tail is not well.
func (s *service) complaint() string {
	if why := s.ailing.Load(); why != nil && *why != "" {
		return *why
	}
	return "it does not answer"
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
