package tail

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
)

// A log was read past what is sealed of it, then it was truncated: memory is all there is of it. Before that can
// be sealed another writer's log turns out to have its source, which only begins like it. Nobody else has the
// bytes, so they are held.
func TestHeld_TruncatedWhenItsSourceIsAnotherLog(t *testing.T) {
	for _, upAfter := range []time.Duration{0, time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second} {
		for _, limit := range []int64{0, 1} {
			t.Run(fmt.Sprint(upAfter, " spool ", limit), func(t *testing.T) {
				inPond(t, func(t *testing.T, p *pond) { truncatedBehindAnother(t, p, upAfter, limit) })
			})
		}
	}
}

func truncatedBehindAnother(t *testing.T, p *pond, upAfter time.Duration, limit int64) {
	var down atomic.Bool
	p.cfg.Follow[0].MaxAge = 70 * time.Second
	p.spool = limit
	z := p.haveLedger()
	p.store = func(s sink.Store) sink.Store { return allDown{s, &down} }
	p.start()
	p.pass(3 * time.Second)
	down.Store(true)
	log, other, after := filestest.SameHead("a", 20), filestest.SameHead("b", 3), []byte("x1\n")
	p.fs.Write("/logs/b", log[:3]) // sealed, and that is where the ledger has it from
	p.pass(75 * time.Second)
	p.fs.Write("/logs/a", log)
	p.pass(5 * time.Second) // goes on there
	p.fs.Overwrite("/logs/b", other)
	p.haveCommitted(t, other)
	p.spoolIsFull(limit > 0)
	p.fs.Overwrite("/logs/a", after)
	p.pass(upAfter)
	down.Store(false)
	p.pass(10 * time.Minute)
	p.spoolIsFull(false)
	p.pass(30 * time.Second)
	p.kill()
	p.fs.Remove("/logs/b") // nobody has the source's file any more
	p.start()
	p.pass(2 * time.Hour)
	require.Empty(t, p.losses(), "what is held is not lost")
	there := append(p.lines(), p.spoolLines()...)
	for _, l := range strings.Fields(string(slices.Concat(log, other, after, z))) {
		require.True(t, slices.Contains(there, l), "line %s is nowhere", l)
	}
}
