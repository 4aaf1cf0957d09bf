package commit

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// silenceMost is how long a store that has never answered is waited for before a person is told.
const silenceMost = 10 * time.Second

// silence tells a store that is away for a while from an address at which there never was one.
type silence struct {
	heard atomic.Bool // something has answered
	told  atomic.Bool
}

// hear takes note of the outcome of a call: an error of the network alone is no answer.
func (s *silence) hear(err error) {
	var network net.Error
	if !errors.As(err, &network) {
		s.heard.Store(true)
	}
}

// watch says once that nothing has ever answered, if nothing does in time. Call what it gives when the
// call is over.
func (s *silence) watch(log *slog.Logger) (end func()) {
	if log == nil || s.heard.Load() || s.told.Load() {
		return func() {}
	}
	timer := time.AfterFunc(silenceMost, func() {
		if !s.heard.Load() && s.told.CompareAndSwap(false, true) {
			log.Warn("nothing has ever answered at this address: look whether it is the right one, whether " +
				"the store runs there, and whether a firewall, a proxy or the name server is in the way; " +
				"it is asked again until it answers")
		}
	})
	return func() { timer.Stop() }
}
