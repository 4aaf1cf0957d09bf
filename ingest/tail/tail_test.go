package tail

import (
	"testing"
	"time"

	"logseal/ingest/files/filestest"

	"github.com/stretchr/testify/require"
)

func TestTail_FollowsAndShipsWithinMaxAge(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(10 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\na"))
		p.pass(4 * time.Minute)
		p.wantLines()
		p.pass(time.Minute + 2*time.Second)
		p.wantLines("a1", "a2", "a3")
		p.fs.Append("/logs/a", []byte("4\n"))
		p.finish()
		p.wantLines("a1", "a2", "a3", "a4")
	})
}

func TestTail_HalfWrittenArchiveWaits(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(20 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\na4\n"))
		packed := filestest.Gzip(p.fs.Bytes("/logs/a"))
		p.fs.Write("/logs/a.1", p.fs.Bytes("/logs/a"))
		p.fs.Truncate("/logs/a", 0)
		p.fs.Write("/logs/a.1.gz", packed[:len(packed)-9])
		p.pass(5 * time.Second)
		p.fs.Append("/logs/a.1.gz", packed[len(packed)-9:])
		p.fs.Remove("/logs/a.1")
		p.pass(3 * time.Minute)
		p.wantLines("a1", "a2", "a3", "a4")
		require.Empty(t, p.losses())
	})
}
