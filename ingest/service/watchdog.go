package service

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// watchdogEvery is how often the tail is asked how it is, when nobody wants to know more often.
	watchdogEvery = 5 * time.Second
	// LookMost is the greatest age of the last look at all files of a healthy tail. A look at thousands of
	// files takes a fraction of a second; a look at a network file system that hangs never ends.
	LookMost = time.Minute
	// stuckMost is for how long nothing may be sealed or shipped by a tail that is well.
	stuckMost = time.Minute
	// wellMost is how old the last sign of life may be of a service that is well.
	wellMost = LookMost
)

// health is how the tail is, as it was last seen.
type health struct {
	lastWell atomic.Int64           // when the tail was last seen to be well, in Unix ns
	ailing   atomic.Pointer[string] // why it is not well; nil before anybody asked
}

// feedWatchdog asks the tail now and then how it is, and tells the service manager when it is well.
// A tail that hangs does not answer, and then nobody is told: the manager starts it again.
func (s *Service) feedWatchdog(ctx context.Context) {
	every := watchdogEvery
	if s.Notify.watchdog > 0 {
		every = min(every, s.Notify.watchdog/2)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		// A tail that hangs in its answer must not keep the service from its end.
		unwell := make(chan string, 1)
		go func() { unwell <- s.unwell() }()
		select {
		case <-ctx.Done():
			return
		case why := <-unwell:
			s.health.ailing.Store(&why)
			if why == "" {
				s.health.lastWell.Store(time.Now().UnixNano())
				s.told(s.Notify.alive())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// unwell tells why the tail, which answers, is not well, empty if it is: it does not look at its files, or
// nothing can be sealed or shipped. Before its first look it may wait for the sink, and at its end it looks
// no more.
func (s *Service) unwell() string {
	if last := s.tail.LastLook(); !last.IsZero() && !s.ending.Load() && time.Since(last) >= LookMost {
		return "it does not look at its files"
	}
	if since, why := s.tail.Stuck(); !since.IsZero() && time.Since(since) >= stuckMost {
		return "nothing can be sealed or shipped: " + why
	}
	return ""
}

// complaint is what is known of why the tail is not well.
func (s *Service) complaint() string {
	if why := s.health.ailing.Load(); why != nil && *why != "" {
		return *why
	}
	return "it does not answer"
}

// alive reports whether the tail was well a short time ago.
func (s *Service) alive() bool {
	return time.Since(time.Unix(0, s.health.lastWell.Load())) < wellMost
}

// told logs that the service manager could not be told something: it acts on its own then.
func (s *Service) told(err error) {
	if err != nil {
		s.Log.Warn("cannot notify the service manager", "error", err)
	}
}
