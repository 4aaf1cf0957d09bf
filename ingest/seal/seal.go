package seal

import (
	"errors"
	"io"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// Files is where the objects of a batch are written: the spool's staging folder.
type Files interface {
	// Create makes an empty file. Names are 0, 1, … in the order of creation. What was written is
	// whole when Close has returned without an error.
	Create(name string) (io.WriteCloser, error)
}

// Chunks gives one range of a source, piece by piece.
type Chunks interface {
	// Next gives the next piece, or io.EOF when the range is full or the source ends.
	Next() (source.Chunk, error)
	// Cut ends the range at end, a record's end inside or at the start of the last piece.
	Cut(end int64)
	// Point is where the range ends so far: after the last piece, or where it was cut.
	Point() source.Point
}

// Input is what a range becomes objects under.
type Input struct {
	Key   source.Key
	K     uint64
	Epoch *Epoch
	// Parser is Epoch's, compiled.
	Parser *parse.Parser
	// Start is where the range begins.
	Start source.Point
	// MaxPartitions is how many partitions a batch may have; at least 1.
	MaxPartitions int
}

// Batch is a range that has become objects.
type Batch struct {
	Manifest *Manifest
	// Names holds the file of each of the manifest's objects.
	Names []string
	// End is where the range ended: the start of the next one.
	End     source.Point
	Reasons map[parse.Reason]int64
	// Full says that the range was cut because of its partitions.
	Full bool
}

// Seal turns the range that chunks gives into objects in files, and says what they are in a
// manifest. An empty range is io.EOF. After an error files may hold parts of objects; the range
// can be sealed again from its start.
func Seal(in Input, chunks Chunks, files Files) (*Batch, error) {
	return nil, errors.New("seal: not yet written")
}
