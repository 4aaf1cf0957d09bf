package tail

import (
	"fmt"

	"logseal/ingest/commit"
)

// judgeSealed raises the problems that a sealed batch has with rejects, and clears those that it has no
// longer. A batch past its stream's limit is judged for itself.
func (t *Tail) judgeSealed(w *commit.Writer, c commit.Counts) {
	t.judgeStream(w, c)
	limit := w.Stream.Rejects
	switch {
	case limit.Exceeded(c.Rejects, c.Records) || c.Records == 0:
	case c.Rows > 0:
		t.notices.clear(w.Path, commit.TooManyRejects)
	case !t.notices.stands(w.Path, commit.TooManyRejects):
		if why := limit.OfMany(&c); why != "" {
			t.notices.raise(commit.Problem{Kind: commit.TooManyRejects, Path: w.Path, Message: why + "; they are in quarantine, and " +
				"`ingest check` shows what does not fit"})
		}
	}
}

// judgeStream judges what is sealed of a stream by as many records as its limit asks for: the batches of a
// tail may all have fewer.
func (t *Tail) judgeStream(w *commit.Writer, c commit.Counts) {
	stream, limit := w.Key.Table.Stream, w.Stream.Rejects
	t.mu.Lock()
	sum := t.unjudged[stream]
	if sum == nil {
		sum = &commit.Counts{}
		t.unjudged[stream] = sum
	}
	sum.Add(c, 1)
	whole := sum.Records > 0 && sum.Records >= limit.MinRecords
	if whole {
		delete(t.unjudged, stream)
	}
	t.mu.Unlock()
	if !whole {
		return
	}
	name := "stream " + stream
	why := limit.OfMany(sum)
	if why == "" {
		t.notices.clear(name, commit.TooManyRejects)
		return
	}
	if !t.notices.stands(name, commit.TooManyRejects) {
		t.notices.raiseAs(name, commit.Problem{Kind: commit.TooManyRejects, Message: fmt.Sprintf("%s: of what was sealed last, %s; "+
			"they are in quarantine", name, why)})
	}
}
