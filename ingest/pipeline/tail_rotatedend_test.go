package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parse"
)

// A writer was killed within a line, and its log was rotated: what is there of the line is a record. Should
// it go on after all, the rest of the line is a reject and no row.
func TestTail_LastLineOfARotatedFile(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.fs.Write("/logs/a", []byte("a1\nhalf"))
		p.start()
		p.pass(30 * time.Minute)
		p.wantLines("a1") // its writer may be slow
		p.fs.Rename("/logs/a", "/logs/old")
		p.pass(30 * time.Minute)
		p.wantLines("a1", "half")
		require.Zero(t, p.tail.Status().OldestUnshipped)

		p.fs.Append("/logs/old", []byte(" a line\na3\n"))
		p.pass(time.Minute)
		p.wantLines("a1", "half", " a line", "a3")
		for _, x := range p.tail.Status().Streams {
			require.Equal(t, map[parse.Reason]int64{parse.NoMatch: 1, parse.Continued: 1}, x.Rejects)
		}
	})
}

// The rotation was before the tail's start, or between two runs.
func TestTail_LastLineOfAFileRotatedBefore(t *testing.T) {
	for name, c := range map[string]struct {
		before, now string // where the file is at the first and at the second start
		successor   string
		ended       bool
	}{
		"by its number":           {"/logs/a.log.1", "/logs/a.log.1", "/logs/a.log", true},
		"by its day":              {"/logs/a.log-20240115", "/logs/a.log-20240115", "/logs/a.log", true},
		"between two runs":        {"/logs/a.log", "/logs/old", "/logs/a.log", true},
		"nobody took its place":   {"/logs/a.log", "/logs/old", "/logs/b.log", false},
		"a number of a name":      {"/logs/a.log.1", "/logs/a.log.1", "/logs/b.log", false},
		"another log, with a dot": {"/logs/a.log.err", "/logs/a.log.err", "/logs/a.log", false},
	} {
		t.Run(name, func(t *testing.T) {
			inPond(t, func(t *testing.T, p *pond) {
				p.fs.Write(c.before, []byte("a1\nhalf"))
				if c.before == c.now {
					p.fs.Write(c.successor, []byte("b1\n"))
				}
				p.start()
				p.pass(10 * time.Second)
				p.finish()
				if c.before != c.now {
					p.fs.Rename(c.before, c.now)
					p.fs.Write(c.successor, []byte("b1\n"))
				}
				p.start()
				p.pass(30 * time.Minute)
				if c.ended {
					p.wantLines("a1", "b1", "half")
				} else {
					p.wantLines("a1", "b1")
				}
			})
		})
	}
}
