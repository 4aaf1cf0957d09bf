package tail

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// Logs whose first lines are the same are what a service writes that greets at each start: they
// contend for the k of one head, and nothing else than that may come of it.

func TestTail_RotatedLogsThatBeginAlikeAllShipAtTheFirstStart(t *testing.T) {
	for name, lengths := range map[string][]int{
		"falling": {400, 300, 250, 150, 100},
		"rising":  {100, 150, 250, 300, 400},
		"mixed":   {250, 100, 400, 150, 300},
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				want := map[string]int{}
				for i, path := range rotated(5) {
					want[path] = lengths[i]
				}
				logs := p.writeAlike(want)
				p.start()
				p.pass(20 * time.Minute)
				p.wantLogs(logs...)
				p.finish()
				require.Empty(t, p.inSpool())
				p.start()
				p.pass(time.Hour)
				p.wantLogs(logs...)
			})
		})
	}
}

// A long log, then the short one of a start that failed, then a long one again.
func TestTail_ShortLogBetweenTwoThatBeginAsItDoes(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		banner := "h0\n" + strings.Repeat("b1\n", 25)
		long := []byte(banner + strings.Repeat("c1\n", 300))
		short := []byte(banner + "d1\nd2\n")
		last := []byte(banner + strings.Repeat("e1\n", 500) + "e2\n")
		p.fs.Write("/logs/app.log", long)
		p.start()
		p.pass(time.Minute)
		p.fs.Rename("/logs/app.log", "/logs/app.log.1")
		p.fs.Write("/logs/app.log", short)
		p.pass(10 * time.Minute)
		p.wantLogs(long, short)
		p.fs.Rename("/logs/app.log.1", "/logs/app.log.2")
		p.fs.Rename("/logs/app.log", "/logs/app.log.1")
		p.fs.Write("/logs/app.log", last)
		p.pass(10 * time.Minute)
		p.wantLogs(long, short, last)
		p.finish()
		require.Empty(t, p.inSpool())
		p.start()
		p.pass(time.Hour)
		p.wantLogs(long, short, last)
	})
}

// What was known when a file was told apart, that it says something else than a log which was read
// just then, must not be forgotten with the process.
func TestTail_ShortLogThatBeginsAlikeShipsAfterARestart(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		z := p.haveLedger()
		banner := "h0\n" + strings.Repeat("b1\n", 25)
		long, short := []byte(banner+strings.Repeat("c1\n", 300)), []byte(banner+"d1\nd2\n")
		down.Store(true)
		p.fs.Write("/logs/app.log.1", long)
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/app.log", short)
		p.pass(time.Minute)
		p.kill()
		p.fs.Remove("/logs/app.log.1") // both are in the spool alone
		p.fs.Remove("/logs/app.log")
		down.Store(false)
		p.start()
		p.pass(time.Hour)
		p.wantLogs(z, long, short)
		require.Empty(t, p.losses())
	})
}

func TestTail_ArchivesThatBeginAlikeAreMovedIn(t *testing.T) {
	const tenth = 100 * time.Millisecond
	for name, store := range map[string]slowStore{
		"puts are slow": {put: tenth}, "all is slow": {put: tenth, ask: tenth},
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				p.store = func(s sink.Store) sink.Store { store.Store = s; return store }
				live := filestest.SameHead("a", 200)
				p.fs.Write("/logs/app.log", live)
				p.start()
				p.pass(time.Minute)
				logs := [][]byte{live}
				for i := range 6 {
					log := filestest.SameHead(string(rune('b'+i)), 100+70*i)
					logs = append(logs, log)
					p.fs.Write(fmt.Sprintf("/logs/app.log.%d.gz", i+1), filestest.Gzip(log))
				}
				p.pass(15 * time.Minute)
				require.Empty(t, p.problems())
				for i := range 6 {
					p.fs.Remove(fmt.Sprintf("/logs/app.log.%d.gz", i+1))
				}
				p.pass(time.Hour)
				p.wantLogs(logs...)
				require.Empty(t, p.losses())
			})
		})
	}
}

// Each of many waits for those with a lower k: the one before it must wake it.
func TestTail_ManyFilesThatBeginAlikeShipWithinMinutes(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		var logs [][]byte
		for i := range 400 {
			log := fmt.Appendf(nil, "h0\na%d\n%s", i, bytes.Repeat([]byte("b1\n"), 5+i%90))
			logs = append(logs, log)
			p.fs.Write(fmt.Sprintf("/logs/pod%03d.log", i), log)
		}
		p.start()
		p.pass(10 * time.Minute)
		p.wantLogs(logs...)
	})
}

// The bucket has a log as one long batch. A tail that knows nothing of it meets a shorter log that
// begins alike: once it is long enough to be refuted by a mark, it need not grow past that batch.
func TestTail_NewStateReadsALogThatAMarkRefutes(t *testing.T) {
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint("a ledger that knows others ", known), func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				p.cfg.Follow[0].MaxAge = 10 * time.Second
				want := [][]byte{filestest.SameHead("x", 4000)}
				p.haveCommitted(t, want[0])
				if known {
					want = append(want, p.haveLedger())
				}
				log := filestest.SameHead("y", 40)
				p.fs.Write("/logs/app.log", log[:21]) // the head and two lines: no mark lies there
				p.start()
				p.pass(5 * time.Minute)
				p.fs.Append("/logs/app.log", log[21:93])
				p.pass(5 * time.Minute)
				p.wantLogs(append(want, log[:93])...)
				p.fs.Append("/logs/app.log", log[93:])
				p.pass(5 * time.Minute)
				p.wantLogs(append(want, log)...)
			})
		})
	}
}

func TestTail_CopiesAtRestCostFewRequests(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var asked atomic.Int64
		p.store = func(s sink.Store) sink.Store { return countingStore{s, &asked} }
		log := filestest.SameHead("a", 100)
		p.fs.Write("/logs/app.log", log)
		for i := range 10 {
			p.fs.Write(fmt.Sprintf("/logs/copy%d", i), log[:len(log)/2])
		}
		p.start()
		p.pass(20 * time.Minute)
		asked.Store(0)
		p.pass(time.Hour)
		require.Less(t, asked.Load(), int64(60), "requests in an hour")
		p.wantLogs(log)
	})
}
