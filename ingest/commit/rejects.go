package commit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/table"
)

// RejectLimit is how many records of a batch, or of a run, may be rejects before that is a problem.
type RejectLimit struct {
	MaxRatio   float64
	MinRecords int64 // fewer records are not judged
	Halt       bool  // seal nothing of such a batch and stop its source there
}

// Exceeded judges one batch; it is a pure function of the range.
func (l RejectLimit) Exceeded(rejects, records int64) bool {
	return records >= l.MinRecords && records > 0 &&
		float64(rejects) > l.MaxRatio*float64(records)
}

// Reject is a reject to show to a person.
type Reject struct {
	Path string // of its file
	batch.Sample
}

// before orders rejects by file and place, so that of a run the same one is shown each time.
func (r *Reject) before(o *Reject) bool {
	return cmp.Or(strings.Compare(r.Path, o.Path), cmp.Compare(r.Offset, o.Offset)) < 0
}

// reasonsShown is how many reasons a message names: the most frequent ones.
const reasonsShown = 2

// rejected says why records are rejects, and shows the first.
func (c *Counts) rejected() string {
	most := slices.SortedFunc(maps.Keys(c.Reasons), func(x, y parse.Reason) int {
		return cmp.Or(cmp.Compare(c.Reasons[y], c.Reasons[x]), cmp.Compare(x, y))
	})
	var named []string
	for _, reason := range most[:min(len(most), reasonsShown)] {
		named = append(named, fmt.Sprintf("%d %s", c.Reasons[reason], reason))
	}
	what := strings.Join(named, ", ")
	if c.First != nil {
		what += fmt.Sprintf("; the first is %q", c.First.Text)
	}
	return what
}

// tooMany says that a batch is past its stream's limit.
func tooMany(m *table.Manifest, c Counts) string {
	return fmt.Sprintf("%d of %d records in %v are rejects, which is past the limit (%s)",
		m.Rejects, m.Records, m.Range(), c.rejected())
}

// judge raises a problem when a batch that was sealed is past its stream's limit.
func (u *cutter) judge(m *table.Manifest, c Counts) {
	if !u.Stream.Rejects.Exceeded(m.Rejects, m.Records) {
		return
	}
	u.Counters.passLimit(u.Key.Table)
	u.raise(Problem{TooManyRejects, u.Path, tooMany(m, c) + "; they are in quarantine"})
}

// JudgeRun raises a problem for each table of which this run as a whole sealed too many rejects, or no row
// at all, though no batch of it was large enough to be judged.
func (r *Engine) JudgeRun() {
	for i := range r.Streams {
		s := &r.Streams[i]
		c := r.Counters.table(s.Table())
		if why := s.Rejects.OfMany(&c.Counts); why != "" && !c.pastLimit {
			r.raise(Problem{TooManyRejects, "", fmt.Sprintf("stream %s: %s; they are in quarantine, and "+
				"`ingest check %s` shows what does not fit", s.Epoch.Stream, why, c.First.Path)})
		}
	}
}

// OfMany judges several batches as one: it says why they are a problem, or nothing. Whoever lets all be
// rejects may have none but these.
func (l RejectLimit) OfMany(c *Counts) string {
	var what string
	switch {
	case c.Records > 0 && c.Rows == 0 && l.MaxRatio < 1:
		what = fmt.Sprintf("none of %d records became a row", c.Records)
	case l.Exceeded(c.Rejects, c.Records):
		what = fmt.Sprintf("%d of %d records are rejects, which is past the limit", c.Rejects, c.Records)
	default:
		return ""
	}
	return fmt.Sprintf("%s (%s, in %s from byte %d on)", what, c.rejected(), c.First.Path, c.First.Offset)
}
