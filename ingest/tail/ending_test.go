package tail

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
)

// A tail that is told to end seals what it has read, and leaves a heap of old logs for the next one.
func TestTail_EndsWithoutReadingABacklog(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Streams[0].MaxBytes = 16 << 10
		var heap bytes.Buffer
		for i := range 100_000 {
			fmt.Fprintf(&heap, "a%d\n", i)
		}
		p.spoolIsFull(true)
		p.fs.Write("/logs/heap", heap.Bytes())
		p.fs.Write("/logs/b", []byte("b1\n"))
		p.start()
		p.pass(10 * time.Second)
		p.spoolIsFull(false)
		p.finish()
		require.Less(t, len(p.lines()), 90_000)
		require.Contains(t, p.lines(), "b1")

		p.start()
		p.pass(6 * time.Minute)
		require.Equal(t, 100_001, len(p.lines()))
	})
}

// A file that was moved away and written to is read to its end, and goes on when it is moved back.
func TestTail_AFileIsFollowedAgainWhenItIsBack(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(20 * time.Second)
		p.fs.Rename("/logs/a", "/elsewhere/a")
		p.pass(20 * time.Second)
		p.fs.Append("/elsewhere/a", []byte("a2\n"))
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2")
		p.fs.Append("/elsewhere/a", []byte("a3\n"))
		p.fs.Rename("/elsewhere/a", "/logs/a.1")
		p.pass(time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.losses())
	})
}

// A log is copied with the rest of a half line, then truncated, while the tail ends: the half line is
// read from the copy.
func TestTail_TruncatedWhileItEnds(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\na"))
		find := files.NewFinder(p.fs, []string{"/logs/*"}, nil).Find
		ending := false
		p.cfg.Follow[0].Find = func(ctx context.Context) ([]files.Found, []files.Unread, error) {
			found, unread, err := find(ctx)
			if ending {
				ending = false
				p.fs.Write("/logs/a.1", []byte("a1\na2\na3\n"))
				p.fs.Truncate("/logs/a", 0)
			}
			return found, unread, err
		}
		p.start()
		p.pass(10 * time.Second)
		ending = true
		p.finish()
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.losses())
	})
}

// Of a log that is truncated while the tail ends, and of which there is no copy, the half line is all
// that there will ever be.
func TestTail_TruncatedWhileItEndsWithoutACopy(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\na3"))
		find := files.NewFinder(p.fs, []string{"/logs/*"}, nil).Find
		ending := false
		p.cfg.Follow[0].Find = func(ctx context.Context) ([]files.Found, []files.Unread, error) {
			found, unread, err := find(ctx)
			if ending {
				ending = false
				p.fs.Truncate("/logs/a", 0)
			}
			return found, unread, err
		}
		p.start()
		p.pass(10 * time.Second)
		ending = true
		p.finish()
		p.wantLines("a1", "a2", "a3")
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "a3")
		require.Empty(t, p.losses())
	})
}

// The tail ends, and of the log that another one begins like no more is read than tells the two apart: the other
// one is told again and again only so often.
func TestTail_EndingWhileTwoCannotBeToldApart(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Streams[0].MaxBytes = 100
		log := filestest.SameHead("a", 30)
		p.fs.Write("/logs/long", log[:3])
		p.start()
		grown := make(chan struct{})
		p.fs.SetFault(func(op filestest.Op, path string, _ int64) error {
			switch {
			case op == filestest.OpOpen && path == "/logs/other":
				<-grown
			case op == filestest.OpHandleStat && path == "/logs/long" && p.tail.isEnding():
				p.fs.SetFault(nil)
				p.fs.Append("/logs/long", log[3:])
				close(grown)
			}
			return nil
		})
		p.fs.Write("/logs/other", []byte("h0\nb000034\nb000"))
		p.finish()
		p.start()
		p.pass(10 * time.Minute)
		require.Contains(t, p.lines(), "b000034")
		require.Len(t, p.lines(), 1+30+2)
	})
}

// A sink that was away for long is back just when the tail ends: what rests after many failures is shipped.
func TestTail_EndingTriesWhatRestsOnceMore(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.store = func(s sink.Store) sink.Store { return allDown{s, &down} }
		known := p.haveLedger()
		p.start()
		p.pass(time.Minute)
		down.Store(true)
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.pass(20 * time.Minute)
		down.Store(false)
		p.finish()
		p.wantLogs(known, []byte("a1\n"))
	})
}
