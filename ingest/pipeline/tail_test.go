package pipeline

import (
	"testing"
	"time"
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
