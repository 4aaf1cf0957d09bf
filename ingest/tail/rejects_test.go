package tail

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
)

// rejectProblems gives what a tail says of rejects, by path.
func (p *pond) rejectProblems() map[string]string {
	by := map[string]string{}
	for _, x := range p.tail.Status().Problems {
		if x.Kind == commit.TooManyRejects {
			by[x.Path] = x.Message
		}
	}
	return by
}

// Nothing fits, and each batch is too small to be judged: the first of each file is said all the same, once,
// until a row comes.
func TestTail_NothingFits(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		var log strings.Builder
		p.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.cfg.Streams[0].Rejects = commit.RejectLimit{MaxRatio: 0.1, MinRecords: 1000}
		p.fs.Write("/logs/a", []byte("??\n!!\n"))
		p.start()
		p.pass(time.Minute)
		p.fs.Append("/logs/a", []byte("??\n"))
		p.pass(time.Minute)
		by := p.rejectProblems()
		require.Contains(t, by["/logs/a"], `none of 2 records became a row (2 no_match; the first is "??"`)
		require.Len(t, by, 1)
		shipped := 0
		for _, line := range strings.Split(log.String(), "\n") {
			if strings.Contains(line, `msg=shipped`) {
				shipped++
				require.Regexp(t, `records=[12] rows=0 rejects=[12]`, line)
			}
		}
		require.Equal(t, 2, shipped)
		require.Equal(t, 1, strings.Count(log.String(), "became a row"))

		p.fs.Append("/logs/a", []byte("a1\n"))
		p.pass(time.Minute)
		require.Empty(t, p.rejectProblems())
	})
}

// Half of what small batches hold does not fit: the stream is judged by as many records as the limit asks
// for, and again by what comes after.
func TestTail_SmallBatchesPastTheLimit(t *testing.T) {
	inPond(t, func(t *testing.T, p *pond) {
		p.cfg.Follow[0].MaxAge = 10 * time.Second
		p.cfg.Streams[0].Rejects = commit.RejectLimit{MaxRatio: 0.1, MinRecords: 10}
		p.fs.Write("/logs/a", nil)
		p.start()
		for i := range 5 {
			require.Empty(t, p.rejectProblems())
			p.fs.Append("/logs/a", fmt.Appendf(nil, "a%d\n??\n", i))
			p.pass(time.Minute)
		}
		require.Contains(t, p.rejectProblems()[""], "5 of 10 records are rejects, which is past the limit")
		for i := range 10 {
			p.fs.Append("/logs/a", fmt.Appendf(nil, "b%d\n", i))
			p.pass(time.Minute)
		}
		require.Empty(t, p.rejectProblems())
	})
}

// Who lets all be rejects is told nothing, and a problem goes with its file, also when that was renamed.
func TestTail_RejectsThatAreNoProblem(t *testing.T) {
	for _, ratio := range []float64{1, 0.1} {
		inPond(t, func(t *testing.T, p *pond) {
			p.cfg.Follow[0].MaxAge = 10 * time.Second
			p.cfg.Streams[0].Rejects = commit.RejectLimit{MaxRatio: ratio, MinRecords: 1000}
			p.fs.Write("/logs/a", []byte("??\n"))
			p.start()
			p.pass(time.Minute)
			require.Equal(t, ratio < 1, len(p.rejectProblems()) == 1)
			p.fs.Rename("/logs/a", "/logs/b")
			p.pass(time.Minute)
			p.fs.Remove("/logs/b")
			p.pass(time.Hour)
			require.Empty(t, p.rejectProblems())
		})
	}
}
