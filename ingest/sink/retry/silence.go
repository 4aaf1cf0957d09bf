package retry

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// silenceMost is how long a Store waits for a first answer before it tells a person.
const silenceMost = 10 * time.Second

// silence notices an address at which no store has ever answered. A store that has answered may be away for
// a while.
type silence struct {
	heard atomic.Bool // something has answered
	told  atomic.Bool
}

// hear notes the outcome of a call. An error of the network is no answer; any other outcome is one.
func (s *silence) hear(err error) {
	var network net.Error
	if !errors.As(err, &network) {
		s.heard.Store(true)
	}
}

// watch logs once that nothing has ever answered, if nothing does in time. The caller calls end when the
// call of the store is over.
func (s *silence) watch(log *slog.Logger) (end func()) {
	if log == nil || s.heard.Load() || s.told.Load() {
		return func() {}
	}
	timer := time.AfterFunc(silenceMost, func() {
		if !s.heard.Load() && s.told.CompareAndSwap(false, true) {
			log.Warn("nothing has ever answered at this address: check that it is the right one, that " +
				"the store runs there, and that no firewall, proxy or name server is in the way; " +
				"calls are repeated until it answers")
		}
	})
	return func() { timer.Stop() }
}
