package identity

import "logseal/ingest/source"

// Match is what the bytes of a file say about a source that begins alike.
type Match uint8

const (
	// Proved: the file holds all of the source, and the chains agree.
	Proved Match = iota
	// Refuted: a chain disagrees; this stays so.
	Refuted
	// Undecided: the file agrees as far as it goes, and ends before the source does.
	Undecided
)

// Candidate is a source that a file may be.
type Candidate struct {
	Key    source.Key
	K      uint64
	Points Points // of its content, also of what is not sealed yet
	End    int64  // where what is sealed or committed of it ends
}

// Match holds a file of at least length bytes against the candidate; file has the file's chain at
// every point of the candidate up to length. A file of more than length bytes has length after the
// candidate's last point.
func (c *Candidate) Match(file Points, length int64) Match {
	switch {
	case c.Points.Differ(file):
		return Refuted
	case c.End > length:
		return Undecided
	}
	return Proved
}
