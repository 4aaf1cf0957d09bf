package tail

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/table"
)

// heldOf gives the batches that are held, and up to where they go on from one another.
func (p *pond) heldOf(t *testing.T) (batches int, end int64) {
	held, err := p.tail.Spool.Held()
	require.NoError(t, err)
	for _, b := range held {
		m, err := table.ParseManifest(b.Manifest)
		require.NoError(t, err)
		require.Equal(t, end, m.Start)
		end = m.End
	}
	return len(held), end
}

// An undecided file that is deleted may be another log than the one it agrees with: what it held is all
// there is of that, and is held, also when the tail ends soon after.
func TestHeld_UndecidedFileDeleted(t *testing.T) {
	for name, ends := range map[string]bool{"followed": false, "ended": true} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				all := filestest.SameHead("x", 20)
				some := all[:len(all)-5]
				p.haveCommitted(t, all)
				p.cfg.Streams[0].MaxBytes = 20
				p.fs.Write("/logs/a", some)
				p.start()
				p.pass(time.Minute)
				p.fs.Remove("/logs/a")
				if ends {
					p.pass(10 * time.Second)
					p.finish()
					p.start()
				}
				p.pass(10 * time.Minute)
				_, end := p.heldOf(t)
				require.Equal(t, int64(len(some)), end)
				p.wantLogs(all)
			})
		})
	}
}

// What the outbox of a source has under the same name stays there.
func TestHeld_BesideTheOutbox(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		all, half, z := filestest.SameHead("x", 40), filestest.SameHead("x", 20), p.haveLedger()
		p.start()
		down.Store(true)
		p.fs.Write("/logs/a", half)
		p.pass(30 * time.Second)
		p.fs.Write("/logs/copy", half)
		p.pass(5 * time.Second)
		p.fs.Write("/logs/a", all)
		p.pass(30 * time.Second)
		p.fs.Remove("/logs/a")
		p.pass(5 * time.Minute)
		p.fs.Remove("/logs/copy")
		p.pass(5 * time.Minute)
		batches, _ := p.heldOf(t)
		require.Zero(t, batches, "the source has all of it")
		down.Store(false)
		p.pass(3 * time.Hour)
		p.wantLogs(all, z)
	})
}

// A copy that ends before its source does is compressed: the archive has what it held.
func TestHeld_NotWhatAnotherFileHas(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		all := filestest.SameHead("x", 20)
		some := all[:len(all)-5]
		p.haveCommitted(t, all)
		p.fs.Write("/logs/a", some)
		p.start()
		p.pass(time.Minute)
		p.fs.Write("/logs/a.gz", filestest.Gzip(some))
		p.pass(10 * time.Second)
		p.fs.Remove("/logs/a")
		p.pass(10 * time.Minute)
		batches, _ := p.heldOf(t)
		require.Zero(t, batches)
		p.wantLogs(all)
	})
}

// An old ledger is put back that has a batch as one to be shipped, which is held by now: the ledger alone does
// not have its bytes.
func TestHeld_StaysWhenAnOldLedgerNamesTheBatch(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 5 * time.Second
		p.haveLedger()
		p.store = func(s sink.Store) sink.Store { return allDown{s, &down} }
		p.start()
		p.pass(3 * time.Second)
		down.Store(true)
		p.fs.Write("/logs/b", filestest.SameHead("b", 20))
		p.pass(10 * time.Second)
		p.fs.Write("/logs/m", filestest.SameHead("m", 20))
		p.pass(30 * time.Second)
		p.kill()
		state, old := filepath.Join(p.dir, "state"), t.TempDir()
		require.NoError(t, os.CopyFS(old, os.DirFS(state)))
		entries, err := os.ReadDir(state)
		require.NoError(t, err)
		for _, e := range entries {
			if e.Name() != "spool" {
				require.NoError(t, os.RemoveAll(filepath.Join(state, e.Name())))
			}
		}
		p.fs.Remove("/logs/m")
		down.Store(false)
		p.start()
		p.pass(time.Hour)
		batches, _ := p.heldOf(t)
		require.Equal(t, 1, batches)
		p.kill()
		require.NoError(t, os.RemoveAll(filepath.Join(old, "spool")))
		require.NoError(t, os.CopyFS(filepath.Join(old, "spool"), os.DirFS(filepath.Join(state, "spool"))))
		require.NoError(t, os.RemoveAll(state))
		require.NoError(t, os.CopyFS(state, os.DirFS(old)))
		p.fs.Append("/logs/b", []byte("b9999999\n")) // goes on with its source before the batch is set apart again
		p.start()
		p.pass(2 * time.Hour)
		batches, _ = p.heldOf(t)
		require.Equal(t, 1, batches)
	})
}
