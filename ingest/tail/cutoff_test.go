package tail

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// A batch of the spool that an older ledger does not know is entered without the line that it ends
// at. The file is truncated before its first cut could learn that: what is in memory is sealed all
// the same.
func TestTail_TruncatedBeforeTheLineAtTheSealedOffsetIsLearnt(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = time.Minute
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		log := filestest.SameHead("a", 1000)
		p.fs.Write("/logs/a", log)
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
		p.kill() // as if between the spool's commit and the ledger's transaction
		require.NoError(t, os.WriteFile(ledger, old, 0o600))
		down.Store(false)
		p.start()
		p.pass(10 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second) // it is in memory
		p.fs.Truncate("/logs/a", 0)
		p.fs.Append("/logs/a", []byte("b1\n"))
		p.pass(time.Hour)
		want := append(log, "a2\na3\nb1\n"...)
		p.wantLogs(want)
		p.finish()
		p.start()
		p.pass(time.Hour)
		p.wantLogs(want)
		require.Empty(t, p.losses())
	})
}

// A file is truncated in the course of a cut straight from it. What of it is in memory is sealed in
// the same call, and must ship without waiting for a restart.
func TestTail_SealedFromMemoryAsTheFileIsLostShips(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var armed, done atomic.Bool
		p.cfg.Streams[0].MaxBytes = 4096
		inMemory := bytes.Repeat([]byte("a1\n"), 1000)
		p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
			if op == filestest.OpRead && armed.Load() && off >= int64(len(inMemory)) && !done.Swap(true) {
				p.fs.Truncate("/logs/a", 0)
			}
			return nil
		})
		p.fs.Write("/logs/a", inMemory)
		p.start()
		p.pass(10 * time.Second)
		armed.Store(true)
		p.fs.Append("/logs/a", bytes.Repeat([]byte("a2\n"), 1000))
		p.pass(30 * time.Minute)
		require.True(t, done.Load())
		p.wantLogs(inMemory)
		require.Empty(t, p.inSpool())
		require.Equal(t, []string{"note truncated"}, p.losses(), "of what nobody had read")
	})
}

// A copy that is being written is begun anew between the look at its size and any of the reads that
// tell who it is.
func TestTail_CopyTruncatedWhileItIsToldWhoItIs(t *testing.T) {
	for at := range int64(12) {
		t.Run(fmt.Sprint("at read ", at+1), func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				var armed atomic.Bool
				var n atomic.Int64
				log := bytes.Repeat([]byte("a1\n"), 50)
				p.fs.Write("/logs/a", log)
				p.start()
				p.pass(10 * time.Second)
				p.fs.Write("/logs/b", log[:60])
				p.pass(10 * time.Second)
				p.fs.SetFault(func(op filestest.Op, path string, off int64) error {
					if op == filestest.OpRead && path == "/logs/b" && armed.Load() && n.Add(1) == at+1 {
						p.fs.Truncate("/logs/b", 0)
					}
					return nil
				})
				armed.Store(true)
				p.fs.Append("/logs/b", log[60:90])
				p.pass(10 * time.Second)
				p.fs.SetFault(nil)
				p.pass(10 * time.Minute)
				p.wantLogs(log)
				require.Empty(t, p.losses())
			})
		})
	}
}
