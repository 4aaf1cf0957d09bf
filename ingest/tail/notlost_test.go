package tail

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// What somebody still has is not lost. A log was sealed and not shipped, then packed and deleted: its
// archive was read to its end, so nobody looks at it any more.

// packedUnsent brings a pond to there, and gives the log and what is in the sink.
func (p *pond) packedUnsent(down *atomic.Bool) (log, z []byte) {
	log = filestest.SameHead("a", 100)
	p.cfg.Follow[0].MaxAge = 10 * time.Second
	p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, down}} }
	z = p.haveLedger()
	down.Store(true)
	p.fs.Write("/logs/a", log)
	p.start()
	p.pass(time.Minute) // sealed, not shipped
	p.fs.Write("/logs/a.gz", filestest.Gzip(log))
	p.fs.Remove("/logs/a")
	p.pass(5 * time.Minute) // read to its end
	return log, z
}

func TestTail_NotLostWhenTheSpoolIsAndAnArchiveThatWasReadHasIt(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		log, z := p.packedUnsent(&down)
		p.kill()
		require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool")))
		down.Store(false)
		p.start()
		p.pass(time.Hour)
		p.wantLogs(log, z)
		require.Empty(t, p.losses())
	})
}

// A spool that cannot be read for a while has lost nothing.
func TestTail_NotLostWhenTheSpoolCannotBeReadNow(t *testing.T) {
	for name, fault := range map[string]syscall.Errno{
		"EIO": syscall.EIO, "EMFILE": syscall.EMFILE, "EACCES": syscall.EACCES,
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				var down atomic.Bool
				log, z := p.packedUnsent(&down)
				p.fs.Remove("/logs/a.gz")
				p.pass(2 * time.Minute)
				p.unreadable.Store(fault)
				down.Store(false)
				p.pass(30 * time.Minute)
				require.Empty(t, p.losses())
				p.unreadable.Store(syscall.Errno(0))
				p.pass(10 * time.Minute)
				p.wantLogs(log, z)
				require.Empty(t, p.losses())
			})
		})
	}
}

// Sealing again and again what cannot be read back would never end.
func TestTail_EndsWhileTheSpoolCannotBeRead(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		log := filestest.SameHead("a", 100)
		p.fs.Write("/logs/a", log)
		p.start()
		p.pass(10 * time.Second)
		p.unreadable.Store(syscall.EIO)
		began := time.Now()
		p.finish()
		require.LessOrEqual(t, time.Since(began), 2*p.cfg.Grace)
		p.unreadable.Store(syscall.Errno(0))
		p.start()
		p.pass(10 * time.Minute)
		p.wantLogs(log)
	})
}
