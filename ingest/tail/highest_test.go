package tail

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files/filestest"
	"logseal/ingest/sink"
	"logseal/ingest/sink/retry"
	"logseal/ingest/table"
)

// behindAnother leaves a log of three lines, all of which this tail has sealed, at a time when another
// writer turns out to have committed two of them: it goes on behind those, and dies before it can.
func (p *pond) behindAnother(t *testing.T) (body []byte) {
	var down atomic.Bool
	p.cfg.Follow[0].MaxAge = 10 * time.Second
	p.fs.Write("/logs/z", []byte("z1\n"))
	p.start()
	p.pass(time.Minute)
	p.finish()
	q := p.other(t)
	q.fs = filestest.New()
	q.fs.Write("/logs/a", []byte("a1\na2\n"))
	q.start()
	q.pass(time.Minute)
	q.finish()

	down.Store(true)
	p.store = func(s sink.Store) sink.Store { return &retry.Store{Store: allDown{s, &down}} }
	p.fs.Write("/logs/a", []byte("a1\na2\na3\n"))
	p.cfg.PollInterval = time.Hour // no other look tells the ledger how long the log is
	p.start()
	p.pass(time.Minute)
	p.spoolIsFull(true)
	down.Store(false)
	p.pass(time.Minute)
	p.kill()
	p.cfg.PollInterval = 0
	p.spoolIsFull(false)
	body = p.fs.Bytes("/logs/a")
	p.fs.Remove("/logs/a")
	return body
}

// What was sealed and given up for another writer's shorter batch is missing up to where it went, if the
// file goes first.
func TestTail_HighestEndIsDeclared(t *testing.T) {
	for name, left := range map[string][]byte{"": nil, "/logs/a.1": []byte("a1\na2\n"),
		"/logs/a.gz": filestest.Gzip([]byte("a1\na2\n"))} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				body := p.behindAnother(t)
				if left != nil {
					p.fs.Write(name, left) // it has no more than the sink
				}
				p.start()
				p.pass(10 * time.Minute)
				if name == "/logs/a.1" {
					require.Empty(t, p.losses(), "it may still grow")
					p.fs.Remove(name)
					p.pass(10 * time.Minute)
				}
				p.wantLines("a1", "a2", "z1")
				require.Equal(t, []string{"note deleted"}, p.losses())
				lost := p.verify().Lost
				require.Len(t, lost, 1)
				p.finish()

				p.start()
				p.pass(10 * time.Minute)
				require.Empty(t, p.tail.Status().Streams["s"].Losses[table.Deleted], "it is told once")
				p.fs.Write("/logs/a", body)
				p.pass(10 * time.Minute)
				p.wantLines("a1", "a2", "a3", "z1")
				require.Empty(t, p.verify().Lost)
			})
		})
	}
}

// While the file is there nothing is missing.
func TestTail_HighestEndIsReadAgain(t *testing.T) {
	for name, pack := range map[string]func([]byte) []byte{
		"/logs/a": func(b []byte) []byte { return b }, "/logs/a.gz": func(b []byte) []byte { return filestest.Gzip(b) },
	} {
		inPond(t, func(t *testing.T, p *pond) {
			p.fs.Write(name, pack(p.behindAnother(t)))
			p.start()
			p.pass(10 * time.Minute)
			p.wantLines("a1", "a2", "a3", "z1")
			require.Empty(t, p.losses())
		})
	}
}
