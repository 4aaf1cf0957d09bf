package tail

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
)

// A log that is packed by bzip2 when it is rotated is the same source; one that is still being written
// waits.
func TestTail_PackedByBzip2(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(20 * time.Second)
		p.fs.Append("/logs/a", []byte("a3\na4\n"))
		packed := filestest.Bzip2(p.fs.Bytes("/logs/a"))
		p.fs.Truncate("/logs/a", 0)
		p.fs.Write("/logs/a.1.bz2", nil)
		from := 0
		for _, to := range []int{3, 12, 20, len(packed) - 9, len(packed)} {
			p.pass(5 * time.Second)
			p.fs.Append("/logs/a.1.bz2", packed[from:to])
			from = to
		}
		p.pass(3 * time.Minute)
		p.wantLines("a1", "a2", "a3", "a4")
		require.Empty(t, p.losses())
		require.Empty(t, p.tail.Status().Problems)
		p.finish()
		p.verify()
	})
}
