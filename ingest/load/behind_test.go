package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
)

// valve is a store that cannot take anything while it is shut.
type valve struct {
	sink.Store
	shut atomic.Bool
}

func (v *valve) Put(ctx context.Context, o sink.Object) error {
	if v.shut.Load() && o.Key != sink.RootObject() {
		return &sink.TransientError{Err: errors.New("busy")}
	}
	return v.Store.Put(ctx, o)
}

// outage is a yard with three logs of many batches, whose sink has a valve.
func outage(t *testing.T) (*yard, *valve) {
	newScene(t, nil, budget{}) // fills the compressor's pool outside the bubble
	v := &valve{}
	b := newYard(t)
	b.cfg.Streams[0].MaxBytes = 16 << 10
	b.cfg.Workers = 2
	b.spoolMax = 64 << 10
	b.over = func(s sink.Store) sink.Store {
		v.Store = s
		return &retry.Store{Store: v}
	}
	for _, name := range []string{"x", "y", "z"} {
		b.write(name, []byte(fmt.Sprintf("%s1\n%s", name, filestest.SameHead(name, 20_000))))
	}
	return b, v
}

// spooled are the batches that wait, by the first letters of their names.
func (b *yard) spooled() (batches int, size int64) {
	found, err := filepath.Glob(filepath.Join(b.root, "state", "spool", "*", "*"))
	require.NoError(b.t, err)
	for _, path := range found {
		st, err := os.Stat(path)
		require.NoError(b.t, err)
		if filepath.Base(path) == "manifest" || filepath.Ext(path) == ".json" {
			batches++
		}
		size += st.Size()
	}
	return batches, size
}

func TestBehind_Outage_FillsTheSpoolAndPauses_ThenCatchesUp(t *testing.T) {
	b, v := outage(t)
	synctest.Test(t, func(t *testing.T) {
		v.shut.Store(true)
		var report *commit.Report
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			report, err = b.run(t.Context(), "x", "y", "z")
		}()
		time.Sleep(time.Hour)
		batches, size := b.spooled()
		t.Logf("%d batches of %d bytes wait", batches, size)
		require.Greater(t, batches, 6, "cutting must go on while nothing can be shipped")
		require.Less(t, size, b.spoolMax)
		time.Sleep(time.Hour)
		again, _ := b.spooled()
		require.Equal(t, batches, again, "reading must pause")
		v.shut.Store(false)
		<-done
		require.NoError(t, err)
		require.Equal(t, int64(60_006), report.Rows+report.Rejects)
	})
	batches, _ := b.spooled()
	require.Zero(t, batches)
	b.verify()
}

func TestBehind_RestartWithAFullSpoolShipsFirst(t *testing.T) {
	b, v := outage(t)
	synctest.Test(t, func(t *testing.T) {
		v.shut.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := b.run(ctx, "x", "y", "z")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	batches, _ := b.spooled()
	require.Greater(t, batches, 6)
	v.shut.Store(false)
	r := b.load() // no file at hand
	require.Equal(t, int64(batches), r.Shipped)
	left, _ := b.spooled()
	require.Zero(t, left)
	b.load("x", "y", "z")
}

func TestBehind_OneBatchLargerThanTheSpoolPasses(t *testing.T) {
	b, _ := outage(t)
	b.spoolMax = 1
	r := b.load("x", "y", "z")
	require.Equal(t, int64(60_006), r.Rows+r.Rejects)
}

func TestBehind_ConflictGivesItsRoomBack(t *testing.T) {
	b, v := outage(t)
	b.load("x")
	taken := b.glob("out/data/s/v1/*/*-0000000000000000-*")
	sid := filepath.Base(filepath.Dir(b.glob("out/manifests/s/v1/-/*/0000000000000000.json")))
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "out", "manifests")))
	require.NoError(t, os.WriteFile(taken, []byte("other bytes"), 0o666))
	b.forgetState()
	v.shut.Store(true)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := b.run(ctx, "x")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	v.shut.Store(false)
	batches, size := b.spooled()
	require.Greater(t, batches, 2)
	b.spoolMax = size // what waits of x leaves no room
	r, err := b.run(t.Context(), "x", "y", "z")
	require.NoError(t, err)
	require.Contains(t, b.kinds(r), commit.Conflict)
	require.Equal(t, int64(40_004), r.Rows+r.Rejects, "of y and z")
	after, _ := b.spooled()
	require.GreaterOrEqual(t, after, batches, "nothing of %s may go", sid)
}

// brokenLedger is a ledger whose disk is full from its n-th change on.
type brokenLedger struct {
	commit.Ledger
	left int
}

func (l *brokenLedger) Update(key source.Key, change func(*offsets.Source) error) error {
	if l.left--; l.left == 0 {
		return &offsets.CommitError{Path: "ledger.db", Err: syscall.ENOSPC}
	}
	if l.left < 0 {
		return offsets.ErrUnusable
	}
	return l.Ledger.Update(key, change)
}

func (l *brokenLedger) Get(key source.Key) (*offsets.Source, bool, error) {
	if l.left <= 0 {
		return nil, false, offsets.ErrUnusable
	}
	return l.Ledger.Get(key)
}

func TestBehind_FailedCommitIsNamed(t *testing.T) {
	for n := 1; n < 12; n++ {
		b, _ := outage(t)
		b.cfg.Workers = 1
		var l *brokenLedger
		b.through = func(real commit.Ledger) commit.Ledger {
			l = &brokenLedger{Ledger: real, left: n}
			return l
		}
		_, err := b.run(t.Context(), "x")
		require.ErrorIs(t, err, syscall.ENOSPC, "at change %d", n)
		b.through = nil
		b.load("x")
	}
}

// canceling is a store one of whose puts says that it was cancelled, though nobody did.
type canceling struct {
	sink.Store
	left atomic.Int64
}

func (c *canceling) Put(ctx context.Context, o sink.Object) error {
	if c.left.Add(-1) == 0 {
		return context.Canceled
	}
	return c.Store.Put(ctx, o)
}

func TestBehind_PutThatOnlySaysItWasCancelled_IsShippedAllTheSame(t *testing.T) {
	for n := int64(4); n < 40; n++ {
		b, _ := outage(t)
		b.over = func(s sink.Store) sink.Store {
			c := &canceling{Store: s}
			c.left.Store(n)
			return c
		}
		_, err := b.run(t.Context(), "x")
		batches, _ := b.spooled()
		require.True(t, err != nil || batches == 0, "done, with %d batches left, at put %d", batches, n)
		b.over = nil
		b.load("x")
	}
}
