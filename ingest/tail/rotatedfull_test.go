package tail

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// The last line of a rotated file waits for its turn to be sealed while another file has the turn and waits for
// room in the spool, and only who ships the first one's batches can make room: for that the file is needed, so
// the wait for the turn ends.
func TestTail_LastLineOfARotatedFileWhileTheSpoolIsFull(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Workers, p.spool = 1, 1
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		z := p.haveLedger()
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: downStore{s, &down, nil}} }
		p.start()
		p.pass(3 * time.Second)
		down.Store(true)
		log, other := filestest.SameHead("a", 3), []byte("b1\nb2\n")
		p.fs.Write("/logs/a", append(slices.Clone(log), "a9"...))
		p.pass(15 * time.Second)
		p.haveCommitted(t, log[:12]) // somebody else has a part of it, so who ships has to look at the file
		p.fs.Rename("/logs/a", "/logs/a.1")
		p.fs.Write("/logs/a", other)
		p.pass(5 * time.Minute)
		down.Store(false)
		p.pass(time.Hour)
		p.wantLogs(log, []byte("a9\n"), other, z)
	})
}
