package identity

import (
	"slices"

	"logseal/ingest/source"
)

// Committed is what the sink has of a source, as far as its manifests were read: from 0 on without
// a hole.
type Committed struct {
	Points Points // the marks and ends of its batches
	Step          // the last of them
	// Lost are the ranges that were declared lost, of which a file may have the bytes.
	Lost []source.Range
	// Whole says that when the sink was asked no manifest followed. One may since.
	Whole bool
	// Barrier is where the next manifest after a hole begins, 0 for none.
	Barrier int64
}

// Step is what a manifest, or a loss in its place, says of its source.
type Step struct {
	Start, End int64
	Chain      source.Digest // at End
	Marks      []source.Mark // within the range
	OpenEnd    bool
	Rest       source.Carry // what is carried over at End
	Loss       bool         // the range was declared lost
}

// and gives what is known with one step more. c may be nil.
func (c *Committed) and(s Step) *Committed {
	var next Committed
	if c != nil {
		next = Committed{Points: c.Points, Lost: c.Lost}
	}
	more := append(slices.Clip(s.Marks), source.Mark{Offset: s.End, Chain: s.Chain})
	next.Points = append(slices.Clip(next.Points), more...) // in order: each step is after the last
	next.Step = s
	if s.Loss {
		next.Lost = append(slices.Clip(next.Lost), source.Range{Start: s.Start, End: s.End})
	}
	return &next
}
