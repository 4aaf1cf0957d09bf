package tail

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
)

// What a version may not grow into is refused before anything is sealed under it, also when the sink
// cannot be asked: then the tail waits for it.
func TestTail_OtherMeaningNeverGetsIntoTheOutbox(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var down atomic.Bool
		p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.finish()

		down.Store(true)
		p.start() // as it was: it need not ask
		p.fs.Append("/logs/a", []byte("a2\n"))
		p.pass(6 * time.Minute)
		require.NotEmpty(t, p.spooled())
		p.kill()
		before := p.spooled()

		p.more = `(?P<y>.*)`
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.start()
		p.pass(6 * time.Minute)
		require.Equal(t, before, p.spooled())
		down.Store(false)
		p.pass(time.Hour)
		synctest.Wait()
		<-p.done
		require.ErrorIs(t, p.err, commit.ErrMeaning)
		p.gone()
		require.Subset(t, before, p.spooled())
	})
}

// spooled names the batches in the spool.
func (p *pond) spooled() (names []string) {
	entries, err := os.ReadDir(filepath.Join(p.dir, "state", "spool"))
	require.NoError(p.t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A tail that is to end leaves the rest of a compressed file for the next one, and that reads it.
func TestTail_EndsWithinAnArchive(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Streams[0].MaxBytes = 3
		p.spoolIsFull(true)
		p.fs.Write("/logs/a.gz", filestest.Gzip([]byte("a1\na2\na3\na4\n")))
		p.start()
		p.pass(10 * time.Second)
		p.stop()
		synctest.Wait()
		p.spoolIsFull(false)
		p.finish()
		require.Less(t, len(p.lines()), 4)
		p.start()
		p.pass(10 * time.Second)
		p.wantLines("a1", "a2", "a3", "a4")
	})
}
