package quarantine

import (
	"maps"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// Buffer gathers rejects as columns. Its zero value is empty and ready; it owns what it holds, so
// what was added may change afterwards.
type Buffer struct {
	vectors [numColumns]parse.Vector
	counts  map[parse.Reason]int64 // of all that was ever added; nil until prepare
}

// Where is what the rejects of a batch have in common.
type Where struct {
	Source source.ID
	Origin string // empty for none
	Epoch  source.Digest
}

// Add appends a reject. Its offset follows those before.
func (b *Buffer) Add(r parse.Reject) {
	b.prepare()
	b.vectors[colOffset].AppendInt64(r.Offset)
	b.vectors[colLength].AppendInt64(int64(len(r.Raw)))
	b.vectors[colRaw].AppendBytes(r.Raw)
	b.vectors[colReason].AppendString(string(r.Reason))
	appendText(&b.vectors[colField], r.Field)
	appendText(&b.vectors[colDetail], r.Detail)
	b.counts[r.Reason]++
}

// prepare makes a zero Buffer ready.
func (b *Buffer) prepare() {
	if b.counts != nil {
		return
	}
	for i, c := range Columns() {
		b.vectors[i].Type = c.Type
	}
	b.counts = make(map[parse.Reason]int64)
}

// appendText appends s, or null for none.
func appendText(v *parse.Vector, s string) {
	if s == "" {
		v.AppendNull()
		return
	}
	v.AppendString(s)
}

// Len is the number of rejects in the buffer.
func (b *Buffer) Len() int { return b.vectors[colOffset].Len() }

// Reset empties the buffer, keeps its memory and goes on counting.
func (b *Buffer) Reset() {
	for i := range b.vectors {
		b.vectors[i].Reset()
	}
}

// Counts is how many rejects of each reason were ever added, those since reset included.
func (b *Buffer) Counts() map[parse.Reason]int64 { return maps.Clone(b.counts) }

// Vectors gives the buffer's rows as Columns describes them. They are valid until the next Add
// or Reset and not to be changed.
func (b *Buffer) Vectors(w Where) []parse.Vector {
	b.prepare()
	fill(&b.vectors[colID], w.Source.String(), b.Len())
	fill(&b.vectors[colEpoch], w.Epoch.String(), b.Len())
	fill(&b.vectors[colOrigin], w.Origin, b.Len())
	return b.vectors[:]
}

// fill makes v hold s, or null for none, n times.
func fill(v *parse.Vector, s string, n int) {
	v.Reset()
	for range n {
		appendText(v, s)
	}
}
