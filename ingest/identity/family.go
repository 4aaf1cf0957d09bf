package identity

import (
	"sync"

	"logseal/ingest/source"
)

// Family is what is known of the sources of one table and origin that begin with one head. They
// differ by their ordinal, k in names and manifests: 0, 1, 2 and so on. All methods may be called
// concurrently.
type Family struct {
	table  source.Table
	origin string
	head   []byte

	mu        sync.Mutex // guards what follows
	keys      []source.Key
	committed map[uint64]*Committed // what the sink has, as far as somebody has looked
	known     uint64                // the least ordinal that is not in committed
}

// NewFamily gives a family of which nothing is known yet. head is kept and not changed.
func NewFamily(table source.Table, origin string, head []byte) *Family {
	return &Family{table: table, origin: origin, head: head, committed: map[uint64]*Committed{}}
}

// Head is what all sources of the family begin with.
func (f *Family) Head() []byte { return f.head }

// Key names the k-th source.
func (f *Family) Key(k uint64) source.Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	for uint64(len(f.keys)) <= k {
		id := source.NewID(f.origin, f.table.Stream, uint64(len(f.keys)), f.head)
		f.keys = append(f.keys, source.Key{Table: f.table, Origin: f.origin, ID: id})
	}
	return f.keys[k]
}

// Committed gives what the sink has of the k-th source, nil if that is not known. It is not changed.
func (f *Family) Committed(k uint64) *Committed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.committed[k]
}

// Known is the least ordinal of which nothing is known to be in the sink.
func (f *Family) Known() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known
}

// Learn takes up what a manifest of the k-th source says, if it goes on where what is known ends. It
// reports whether it did.
func (f *Family) Learn(k uint64, s Step) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.committed[k]
	if c == nil && s.Start != 0 || c != nil && s.Start != c.End {
		return false
	}
	f.committed[k] = c.and(s)
	for f.committed[f.known] != nil {
		f.known++
	}
	return true
}

// End notes that no manifest followed what is known of the k-th source when the sink was asked;
// barrier is where the next one after a hole begins, 0 for none.
func (f *Family) End(k uint64, barrier int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := *f.committed[k]
	c.Whole, c.Barrier = true, barrier
	f.committed[k] = &c
}

// Tell takes up what a content says of the k-th source, if it holds all that is known to be in the sink of
// that one: up to there it is the same. A source of another name for this content, or another content
// under this name, is told apart by points that no manifest has.
func (f *Family) Tell(k uint64, points Points) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.committed[k]
	if known == nil {
		return
	}
	if chain, ok := points.At(known.End); !ok || chain != known.Chain {
		return
	}
	c := *known
	c.Points = c.Points.With(points.UpTo(c.End)...)
	f.committed[k] = &c
}
