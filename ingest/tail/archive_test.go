package tail

import (
	"strings"
	"testing"
	"time"

	"logseal/ingest/files/filestest"

	"github.com/stretchr/testify/require"
)

// The spool is lost and the log is gone, but an archive that was proved to be it lies there and was put
// away: it is read again before anything is declared lost.
func TestTail_ArchiveIsReadAgainBeforeALossIsDeclared(t *testing.T) {
	for _, before := range []string{"", "a0\n"} { // of which something was shipped, or nothing
		inPond(t, func(t *testing.T, p *pond) {
			l := newLosing(p)
			p.fs.Write("/logs/z", []byte("z1\n"))
			p.fs.Write("/logs/a", []byte(before))
			p.start()
			p.pass(6 * time.Minute)
			l.sealEach(strings.Repeat("a1\n", 100), "a2\n")
			p.fs.Write("/logs/a.gz", filestest.Gzip(p.fs.Bytes("/logs/a")))
			p.fs.Remove("/logs/a")
			p.pass(5 * time.Minute) // read to its end
			require.Equal(t, string(isRead), p.stateOf("/logs/a.gz"))
			p.fs.Write("/logs/a", nil)
			l.loseSpool(everyOne)
			p.start()
			p.pass(10 * time.Minute)
			require.Empty(t, p.losses())
			require.Len(t, p.lines(), 1+100+1+len(before)/3)
			require.Empty(t, p.inSpool())
			require.Equal(t, string(isRead), p.stateOf("/logs/a.gz"), "it is put away again")
			p.verify()
			p.finish()
			p.start()
			p.pass(10 * time.Minute)
			require.Empty(t, p.losses())
		})
	}
}

// An archive that has all that was sealed and less than what was seen is read again in vain: what is
// missing is declared, once, and it is not read again and again.
func TestTail_ArchiveThatLacksWhatIsMissing(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\n"))
		p.start()
		p.pass(6 * time.Minute)
		p.fs.Write("/logs/a.gz", filestest.Gzip(p.fs.Bytes("/logs/a")))
		p.fs.Append("/logs/a", []byte("a3\n"))
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/a")
		p.start()
		p.pass(time.Hour)
		p.wantLines("a1", "a2")
		require.Equal(t, []string{"note deleted"}, p.losses())
		require.Equal(t, string(isRead), p.stateOf("/logs/a.gz"))
		p.finish()
	})
}
