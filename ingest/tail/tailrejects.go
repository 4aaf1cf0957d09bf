package tail

import (
	"fmt"

	"logseal/ingest/commit"
)

// judgeSealed raises the problems that a sealed batch has with rejects, and clears those that it has no
// longer. A batch past its stream's limit is judged for itself.
func (a *accounts) judgeSealed(w *commit.Writer, c commit.Counts) {
	a.judgeStream(w, c)
	limit := w.Stream.Rejects
	switch {
	case limit.Exceeded(c.Rejects, c.Records) || c.Records == 0:
	case c.Rows > 0:
		a.board.notices.clear(w.Path, commit.TooManyRejects)
	case !a.board.notices.stands(w.Path, commit.TooManyRejects):
		if why := limit.OfMany(&c); why != "" {
			a.board.notices.raise(commit.Problem{Kind: commit.TooManyRejects, Path: w.Path, Message: why + "; they are in quarantine, and " +
				"`ingest check` shows what does not fit"})
		}
	}
}

// judgeStream judges what is sealed of a stream by as many records as its limit asks for: the batches of a
// tail may all have fewer.
func (a *accounts) judgeStream(w *commit.Writer, c commit.Counts) {
	stream, limit := w.Key.Table.Stream, w.Stream.Rejects
	a.mu.Lock()
	sum := a.unjudged[stream]
	if sum == nil {
		sum = &commit.Counts{}
		a.unjudged[stream] = sum
	}
	sum.Add(c, 1)
	whole := sum.Records > 0 && sum.Records >= limit.MinRecords
	if whole {
		delete(a.unjudged, stream)
	}
	a.mu.Unlock()
	if !whole {
		return
	}
	name := "stream " + stream
	why := limit.OfMany(sum)
	if why == "" {
		a.board.notices.clear(name, commit.TooManyRejects)
		return
	}
	if !a.board.notices.stands(name, commit.TooManyRejects) {
		a.board.notices.raiseAs(name, commit.Problem{Kind: commit.TooManyRejects, Message: fmt.Sprintf("%s: of what was sealed last, %s; "+
			"they are in quarantine", name, why)})
	}
}
