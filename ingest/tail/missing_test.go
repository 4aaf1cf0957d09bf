package tail

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A log was seen, and nothing of it sealed, when the tail was killed. It is gone at the next start, and
// another one with its first line is there: that one is not taken for it.
func TestTail_AnotherLogWithTheFirstLineOfAMissingOne(t *testing.T) {
	for name, other := range map[string]string{
		"longer": strings.Repeat("d1\n", 300), "shorter": strings.Repeat("d1\n", 60),
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				p.fs.Write("/logs/gone", []byte("h0\n"+strings.Repeat("c1\n", 170)))
				p.start()
				p.pass(10 * time.Second)
				p.kill()
				p.fs.Remove("/logs/gone")
				p.fs.Write("/logs/new", []byte("h0\n"+other))
				p.start()
				p.pass(time.Hour)
				require.Len(t, slices.DeleteFunc(p.sink.Keys(), func(key string) bool {
					return !strings.HasSuffix(key, "-lost.json")
				}), 1)
				require.Len(t, p.lines(), 1+strings.Count(other, "\n"))
			})
		})
	}
}

// It comes back under another name, in another inode: nothing is missing.
func TestTail_MissingLogComesBackUnderAnotherName(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		body := "h0\n" + strings.Repeat("c1\n", 170)
		p.fs.Write("/logs/gone", []byte(body))
		p.start()
		p.pass(10 * time.Second)
		p.kill()
		p.fs.Remove("/logs/gone")
		p.fs.Write("/logs/again", []byte(body))
		p.start()
		p.pass(time.Hour)
		require.Empty(t, p.losses())
		require.Len(t, p.lines(), 171)
		p.verify()
	})
}
