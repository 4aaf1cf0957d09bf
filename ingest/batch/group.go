package batch

import (
	"logseal/ingest/parse"
	"logseal/ingest/quarantine"
)

// GroupBytes is how much a batch buffers, over all partitions and the rejects, before it flushes
// the largest of them. It decides where row groups end and is a constant of the format.
const GroupBytes = 32 << 20

// What a record costs in the count that GroupBytes bounds, besides the bytes of its texts. These
// are constants of the format too. They are near to what a record takes in memory: a reject has
// its source's id and its epoch beside it.
const (
	valueCost  = 8 // a value of a row, null or not, and its offset
	rejectCost = 192
)

// Group is some rows of one partition in the order of the source: one row group of an object.
type Group struct {
	Partition
	Offsets []int64        // where each row's record begins in the source
	Columns []parse.Vector // in schema order
}

// GroupWriter takes what a Builder flushes. Within a partition, and among the rejects, records
// come in the order of the source. What it is given is valid until it returns.
type GroupWriter interface {
	// WriteGroup takes at least one row.
	WriteGroup(*Group) error
	// WriteRejects takes at least one reject.
	WriteRejects(*quarantine.Buffer) error
}

// buffer is a group that grows.
type buffer struct {
	group Group
	cost  int64
}

// rowCosts gives what each row of t costs, in the memory of costs.
func rowCosts(costs []int64, t *parse.Table) []int64 {
	costs = costs[:0]
	for range t.Rows() {
		costs = append(costs, int64(valueCost*(1+len(t.Columns))))
	}
	for c := range t.Columns {
		last := uint32(0)
		for i, end := range t.Columns[c].Ends {
			costs[i] += int64(end - last)
			last = end
		}
	}
	return costs
}

func costOf(r parse.Reject) int64 {
	return rejectCost + int64(len(r.Raw)+len(r.Reason)+len(r.Field)+len(r.Detail))
}
