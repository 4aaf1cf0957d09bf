package tail

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// aheadOfItsLedger leaves a log of 400 bytes or so of which the spool has a batch that the ledger, which
// is restored from a copy, does not know.
func (p *pond) aheadOfItsLedger(t *testing.T) {
	var down atomic.Bool
	p.cfg.Follow[0].MaxAge = time.Minute
	p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
	p.fs.Write("/logs/a", []byte(strings.Repeat("a1\n", 500)))
	p.start()
	p.pass(2 * time.Minute)
	p.finish()
	ledger := filepath.Join(p.dir, "state", "ledger.db")
	old, err := os.ReadFile(ledger)
	require.NoError(t, err)
	p.start()
	down.Store(true)
	p.fs.Append("/logs/a", []byte("a2\n"))
	p.pass(2 * time.Minute)
	p.kill()
	require.NoError(t, os.WriteFile(ledger, old, 0o600))
	down.Store(false)
}

// What is in memory is sealed when the file is truncated before it was ever asked where the line at the
// sealed offset begins, which only a batch of the spool has told.
func TestTail_TruncatedBeforeItsLineIsAsked(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.aheadOfItsLedger(t)
		p.start()
		p.pass(10 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second) // it is in memory
		p.fs.Truncate("/logs/a", 0)
		p.fs.Append("/logs/a", []byte("b1\n"))
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"a1", "a2", "a3", "b1"}, p.lines()[499:])
		require.Empty(t, p.losses())
		require.Empty(t, p.tail.Status().Problems)
		p.verify()
	})
}

// So it is when the log lies in another file by now, which is longer and takes the place of the first.
func TestTail_TruncatedBeforeItsLineIsAskedAgain(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.aheadOfItsLedger(t)
		p.start()
		p.pass(10 * time.Second)
		p.fs.Write("/logs/b", append(p.fs.Bytes("/logs/a"), "a3\n"...))
		p.pass(10 * time.Second) // it is the owner now
		p.fs.Truncate("/logs/b", 0)
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"a1", "a2", "a3"}, p.lines()[499:])
		require.Empty(t, p.losses())
		p.verify()
	})
}

// What another run left in the sink behind the sealed offset is no longer of interest once the bytes
// before that are gone.
func TestTail_TruncatedBeforeALeftoverIsLookedAt(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = time.Minute
		p.fs.Write("/logs/a", []byte(strings.Repeat("a1\n", 500)))
		p.start()
		p.pass(2 * time.Minute)
		p.store = func(s sink.Store) sink.Store { return dataAlone{s, func() { p.dead.Store(true) }} }
		p.finish()
		p.start()
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(2 * time.Minute)
		require.True(t, p.dead.Load(), "it died with the object put and the manifest not")
		p.kill()
		p.store = nil
		p.forgetState()
		p.start()
		p.pass(10 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.fs.Truncate("/logs/a", 0)
		p.pass(10 * time.Minute)
		require.Equal(t, []string{"a1", "a2", "a3"}, p.lines()[499:])
		require.Empty(t, p.losses())
	})
}

// dataAlone dies once it has put an object with rows.
type dataAlone struct {
	sink.Store
	die func()
}

func (s dataAlone) Put(ctx context.Context, o sink.Object) error {
	err := s.Store.Put(ctx, o)
	if strings.HasPrefix(o.Key, "data/") {
		s.die()
		return errKilled
	}
	return err
}
