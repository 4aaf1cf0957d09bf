package tail

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
)

// sealless is a spool that takes no batch while err is set.
type sealless struct {
	commit.Spool
	err atomic.Pointer[error]
}

func (s *sealless) Stage() (commit.Stage, error) {
	if err := s.err.Load(); err != nil {
		return nil, *err
	}
	return s.Spool.Stage()
}

// While nothing can be sealed the status says so, and for how long bytes have waited, whether they
// were read or only seen.
func TestTail_NothingCanBeSealed(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		spool := &sealless{}
		p.spools = func(s commit.Spool) commit.Spool { spool.Spool = s; return spool }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLines("a1")
		require.Zero(t, p.tail.Status().OldestUnsealed)
		broken := errors.New("the disk is broken")
		spool.err.Store(&broken)
		began := time.Now()
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.fs.Write("/logs/b", []byte("b1\n"))
		p.pass(time.Hour)
		since, why := p.tail.Stuck()
		require.WithinDuration(t, began, since, 6*time.Minute) // max_age, and a look
		require.Contains(t, why, broken.Error())
		require.WithinDuration(t, began, p.tail.Status().OldestUnsealed, time.Minute)
		spool.err.Store(nil)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "a2", "b1")
		since, _ = p.tail.Stuck()
		require.Zero(t, since)
		require.Zero(t, p.tail.Status().OldestUnsealed)
	})
}

// A line that is not ended waits for nobody but the program that writes it, also if it is the first one.
func TestTail_UnendedLineDoesNotAge(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\nhalf"))
		p.fs.Write("/logs/b", []byte("half"))
		p.start()
		p.pass(time.Hour)
		p.wantLines("a1")
		s := p.tail.Status()
		require.Zero(t, s.OldestUnsealed)
		require.Zero(t, s.OldestUnshipped)
		p.fs.Write("/logs/a", []byte("a1\nhalf a line\n"))
		p.pass(2 * time.Minute)
		require.NotZero(t, p.tail.Status().OldestUnsealed)
		p.pass(10 * time.Minute)
		p.wantLines("a1", "half a line")
		require.Zero(t, p.tail.Status().OldestUnsealed)
	})
}

// A sink that does not answer says nothing about the tail: to start it again would not help.
func TestTail_SinkAwayIsNotStuck(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(10 * time.Minute)
		down.Store(true)
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.pass(time.Hour)
		since, _ := p.tail.Stuck()
		require.Zero(t, since)
		require.Zero(t, p.tail.Status().OldestUnsealed)
		require.NotZero(t, p.tail.Status().OldestUnshipped)
		down.Store(false)
	})
}

// What is no log is a problem that is told of, and nothing that waits.
func TestTail_WhatIsNoLogDoesNotAge(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("\xff\xfea\x001\x00\n\x00"))
		p.start()
		p.pass(time.Hour)
		require.Len(t, p.problems(), 1)
		s := p.tail.Status()
		require.Zero(t, s.OldestUnsealed)
		require.Zero(t, s.OpenFiles)
		require.Zero(t, p.fs.OpenHandles())
		require.Zero(t, s.Sources[0].Size-s.Sources[0].Shipped)
		p.fs.Remove("/logs/a")
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.pass(10 * time.Minute)
		p.wantLines("a1")
	})
}

func TestPulse(t *testing.T) {
	var p pulse
	p.miss("file", errors.New("its disk"))
	p.miss("source", &sink.TransientError{Err: errors.New("503")})
	_, why := p.now()
	require.Equal(t, "its disk", why)
	p.settled("file")
	since, _ := p.now()
	require.Zero(t, since)
	p.miss("file", errors.New("its disk"))
	p.beat()
	since, _ = p.now()
	require.Zero(t, since)
}

// A lane that failed and waits for another source since is not stuck.
func TestTail_WaitingForAnotherSourceIsNotStuck(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.start()
		p.pass(time.Minute)
		key := source.Key{ID: source.ID{1}}
		p.tail.uploader.laneFault(key, errors.New("disk"))
		since, _ := p.tail.Stuck()
		require.NotZero(t, since)
		p.tail.uploader.laneFault(key, fmt.Errorf("ship: %w", &commit.AwaitError{}))
		since, _ = p.tail.Stuck()
		require.Zero(t, since)
	})
}
