package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/identity"
)

// A file does not take the place of an owner that has read on since the two were compared: what that
// holds in memory may be nowhere else.
func TestTail_OwnerReadOnSinceItWasCompared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\na3\n"))
		p.start()
		p.pass(10 * time.Second)
		p.tail.mu.Lock()
		var o *followed
		for _, f := range p.tail.owners {
			o = f
		}
		p.tail.mu.Unlock()
		is := &candidate{Candidate: identity.Candidate{Key: o.w.key, K: o.w.k}}
		f := newFollowed(o.of, fileID{}, files.Found{Path: "/logs/b"})
		require.ErrorIs(t, p.tail.takeOver(f, &claim{path: "/logs/b"},
			&decision{is: is, from: o, upTo: 6}), errAgain)
		require.Same(t, o, p.tail.owner(is.Key))
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "a3")
	})
}
