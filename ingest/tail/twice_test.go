package tail

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
)

// A k that was given up is another file's by now. What waits for the source of that name must not
// take it for the one that it was told apart from: this once doubled a log.
func TestTail_LowerKIsAnotherFilesByNow(t *testing.T) {
	for _, lines := range []int{3, 40} {
		t.Run(fmt.Sprint(lines, " lines"), func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				var down atomic.Bool
				p.cfg.Follow[0].MaxAge = 10 * time.Second
				p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
				a, b, z := filestest.SameHead("y", 100), filestest.SameHead("x", lines), p.haveLedger()
				p.haveCommitted(t, b)
				down.Store(true)
				p.fs.Write("/logs/a", a)
				p.start()
				p.pass(30 * time.Second) // a is sealed as k 0
				p.fs.Write("/logs/b", b)
				p.pass(30 * time.Second) // and b as k 1
				p.fs.Write("/logs/b.copy", b)
				p.pass(4 * time.Minute)
				down.Store(false)
				p.pass(3 * time.Hour)
				p.wantLogs(a, b, z)
			})
		})
	}
}

// lateLedger answers an uploader's question about a source that it does not know late: its goroutine
// is not scheduled for so long.
type lateLedger struct {
	commit.Ledger
	late *atomic.Bool
}

func (l lateLedger) Get(key source.Key) (*offsets.Source, bool, error) {
	s, ok, err := l.Ledger.Get(key)
	if !ok && l.late.Load() && calledBy("runLane") && l.late.Swap(false) {
		time.Sleep(20 * time.Second)
	}
	return s, ok, err
}

// An uploader that asked the ledger before the first batch of a source was in it must not take that
// source for one of k 0, which ships unasked.
func TestTail_UploaderThatAskedBeforeTheFirstBatchWasSealed(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down, late atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.through = func(l commit.Ledger) commit.Ledger { return lateLedger{l, &late} }
		a, b, z := filestest.SameHead("y", 100), filestest.SameHead("x", 40), p.haveLedger()
		p.haveCommitted(t, b)
		p.start()
		p.pass(5 * time.Second)
		down.Store(true)
		p.fs.Write("/logs/a", a)
		p.pass(15 * time.Second)
		late.Store(true)
		p.fs.Write("/logs/b", b)
		p.pass(15 * time.Second)
		down.Store(false)
		p.pass(3 * time.Hour)
		p.wantLogs(a, b, z)
	})
}

// calledBy reports whether a function of this package is among those that called.
func calledBy(name string) bool {
	return strings.Contains(string(debug.Stack()), "."+name+"(")
}

// Others ship the line that two logs begin with, and then one of the two as what goes on there. To this
// host the source of that id was the other log, and the one was told apart from that: what it knows so
// is not about what is in the bucket under that id.
func TestTail_ToldApartFromALogThatItIsInTheBucket(t *testing.T) {
	for _, lines := range []int{1, 40} {
		t.Run(fmt.Sprint(lines, " lines"), func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				var down atomic.Bool
				p.cfg.Follow[0].MaxAge = 10 * time.Second
				p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
				a, b, z := filestest.SameHead("x", lines), filestest.SameHead("y", 2*lines), p.haveLedger()
				down.Store(true)
				p.fs.Write("/logs/b", b)
				p.start()
				p.pass(30 * time.Second) // b is sealed as k 0
				p.fs.Write("/logs/a", a)
				p.pass(30 * time.Second) // and a as k 1, for it is not b
				p.haveCommitted(t, a[:len("h0\n")])
				p.haveCommitted(t, a)
				down.Store(false)
				p.pass(3 * time.Hour)
				p.wantLogs(a, b, z)
			})
		})
	}
}
