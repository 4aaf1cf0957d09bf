package pipeline

import "logseal/ingest/source"

// landmarks are points early in a source, more of them than batches end there. The ledger keeps
// them with the ends, so that a file which begins as the source does and is shorter than its first
// batch is told apart as soon as it differs, and not only once it has grown past that.
type landmarks struct {
	chain  *source.Chain // nil once the last is passed
	points []source.Point
}

const (
	landmarkFirst = 64
	landmarkLast  = 1 << 20
	// landmarkStep is how many times as far the next one is.
	landmarkStep = 4
)

// newLandmarks begins at the start of a source.
func newLandmarks() *landmarks { return &landmarks{chain: source.NewChain()} }

// pass takes the next bytes of the source.
func (l *landmarks) pass(b []byte) {
	for l.chain != nil && len(b) > 0 {
		next := int64(landmarkFirst)
		for range l.points {
			next *= landmarkStep
		}
		n := min(int64(len(b)), next-l.chain.Offset())
		l.chain.Write(b[:n])
		b = b[n:]
		if l.chain.Offset() < next {
			return
		}
		l.points = append(l.points, l.chain.Point())
		if next >= landmarkLast {
			l.chain = nil
		}
	}
}

// before gives those before off.
func (l *landmarks) before(off int64) []source.Point {
	n := 0
	for n < len(l.points) && l.points[n].Offset < off {
		n++
	}
	return l.points[:n]
}
