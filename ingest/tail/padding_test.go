package tail

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A log that is truncated under a writer who goes on at the old offset has a hole there, each time: it is
// skipped, however long, and each record after it is a row once, also after a kill. The rest of a hole at
// the end waits.
func TestTail_HolesOfNULs(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 30 * time.Second
		p.cfg.Streams[0].MaxBytes = 1 << 20
		lines := []string{"a1"}
		p.fs.Write("/logs/a", []byte("a1\n"))
		p.start()
		p.pass(time.Minute)
		for i, hole := range []int{1, 70 << 10, 5 << 20} {
			line := string([]byte{'b', byte('1' + i)})
			p.fs.Truncate("/logs/a", 0)
			p.fs.Append("/logs/a", bytes.Repeat([]byte{0}, hole))
			p.pass(10 * time.Second)
			p.fs.Append("/logs/a", []byte(line+"\n"))
			p.pass(20 * time.Second)
			p.kill()
			p.start()
			p.pass(2 * time.Minute)
			lines = append(lines, line)
			p.wantLines(lines...)
		}
		p.fs.Append("/logs/a", []byte("b4\n\x00\x00"))
		p.pass(2 * time.Minute)
		p.wantLines(append(lines, "b4")...)
		require.Empty(t, p.tail.Status().Problems)
		p.finish()
		p.verify()
	})
}
