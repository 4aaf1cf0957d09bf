package tail

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// A link that is not followed stands where a log was: to whoever looks for the log it is gone.

func TestAsFault_OfALink(t *testing.T) {
	var stopped *commit.StopError
	require.ErrorAs(t, commit.AsFault("/logs/a", &files.LinkError{Path: "/logs/a", Link: "/logs/a", By: "uid 7"}), &stopped)
	require.Equal(t, commit.Unreadable, stopped.Kind)
	require.Contains(t, stopped.Message, "symlinks: follow")
}

// linkAt has every look at a path meet a link that is not followed.
func (p *pond) linkAt(path string) {
	p.fs.SetFault(func(op filestest.Op, at string, _ int64) error {
		if at == path && op != filestest.OpGlob {
			return &files.LinkError{Path: path, Link: path, By: "uid 7"}
		}
		return nil
	})
}

func TestTail_LinkWhereALogWas_BytesAreDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.haveLedger()
		p.fs.Write("/logs/a", filestest.SameHead("a", 10))
		p.start()
		p.pass(10 * time.Second) // seen, not sealed
		p.kill()
		p.linkAt("/logs/a")
		p.start()
		p.pass(time.Hour)
		require.Equal(t, []string{"note deleted"}, p.losses())
	})
}

func TestTail_LinkWhereALogWas_UnsentBatchesAreDeclared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.haveLedger()
		down.Store(true)
		p.fs.Write("/logs/a", filestest.SameHead("a", 10))
		p.start()
		p.pass(time.Minute) // sealed, not shipped
		p.kill()
		require.NoError(t, os.RemoveAll(filepath.Join(p.dir, "state", "spool")))
		down.Store(false)
		p.linkAt("/logs/a")
		p.start()
		p.pass(time.Hour)
		require.Equal(t, []string{"lost deleted"}, p.losses())
	})
}
