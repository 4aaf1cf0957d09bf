package pipeline

import "fmt"

// judgeSealed raises the problems that a sealed batch has with rejects, and clears those that it has no
// longer. A batch past its stream's limit is judged for itself.
func (t *Tail) judgeSealed(w *work, c Counts) {
	t.judgeStream(w, c)
	limit := w.stream.Rejects
	switch {
	case limit.exceeded(c.Rejects, c.Records) || c.Records == 0:
	case c.Rows > 0:
		t.notices.clear(w.path, TooManyRejects)
	case !t.notices.stands(w.path, TooManyRejects):
		if why := limit.ofMany(&c); why != "" {
			t.notices.raise(Problem{TooManyRejects, w.path, why + "; they are in quarantine, and " +
				"`ingest check` shows what does not fit"})
		}
	}
}

// judgeStream judges what is sealed of a stream by as many records as its limit asks for: the batches of a
// tail may all have fewer.
func (t *Tail) judgeStream(w *work, c Counts) {
	stream, limit := w.key.Table.Stream, w.stream.Rejects
	t.mu.Lock()
	sum := t.unjudged[stream]
	if sum == nil {
		sum = &Counts{}
		t.unjudged[stream] = sum
	}
	sum.add(c, 1)
	whole := sum.Records > 0 && sum.Records >= limit.MinRecords
	if whole {
		delete(t.unjudged, stream)
	}
	t.mu.Unlock()
	if !whole {
		return
	}
	name := "stream " + stream
	why := limit.ofMany(sum)
	if why == "" {
		t.notices.clear(name, TooManyRejects)
		return
	}
	if !t.notices.stands(name, TooManyRejects) {
		t.notices.raiseAs(name, Problem{TooManyRejects, "", fmt.Sprintf("%s: of what was sealed last, %s; "+
			"they are in quarantine", name, why)})
	}
}
