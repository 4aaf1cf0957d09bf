package tail

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/identity"
	"logseal/ingest/source"
)

// A file does not take the place of an owner that has read on since the two were compared: what that
// holds in memory may be nowhere else.
func TestTail_OwnerReadOnSinceItWasCompared(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.fs.Write("/logs/a", []byte("a1\na2\na3\n"))
		p.start()
		p.pass(10 * time.Second)
		p.tail.mu.Lock()
		var o *logFile
		for _, f := range p.tail.active.bySource {
			o = f
		}
		p.tail.mu.Unlock()
		is := &commit.Candidate{Candidate: identity.Candidate{Key: o.w.Key, K: o.w.K}}
		f := newLogFile(o.of, fileID{}, files.Found{Path: "/logs/b"})
		require.ErrorIs(t, p.tail.active.handOver(f, &commit.Claim{Path: "/logs/b"},
			&decision{is: is, from: o, upTo: 6}), commit.ErrAgain)
		require.Same(t, o, p.tail.resolver.activeFile(is.Key))
		p.pass(6 * time.Minute)
		p.wantLines("a1", "a2", "a3")
	})
}

// The owner of a source of which nothing is sealed was told apart from another log by what stood in its file
// beyond what was read, and was truncated unseen. Another log that begins alike takes the source over: what told
// the owner apart is none of it.
func TestTail_TakenOverFromAnOwnerThatWasToldApart(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = time.Minute
		p.fs.Write("/logs/a", []byte("h0\n"))
		p.start()
		p.pass(10 * time.Second)
		fact := source.Mark{Offset: 9, Chain: source.Digest{1}}
		for _, f := range p.tail.active.bySource {
			f.w.Facts = []source.Mark{fact}
		}
		p.fs.Write("/logs/b", []byte("h0\nb1\nb2\nb3\n"))
		p.pass(10 * time.Minute)
		p.wantLines("h0", "b1", "b2", "b3")
		for key := range p.tail.active.bySource {
			ends, err := p.tail.Ledger.Ends(key)
			require.NoError(t, err)
			require.NotContains(t, ends, fact)
		}
	})
}
