package seal

import (
	"io"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
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
	// Marks gives the standard marks strictly within the range so far, in order.
	Marks() []source.Mark
}

// Input is what a range becomes objects under.
type Input struct {
	Key   source.Key
	K     uint64
	Epoch *table.Epoch
	// Parser is Epoch's, compiled.
	Parser *parse.Parser
	// Start is where the range begins.
	Start source.Point
	// MaxPartitions is how many partitions a batch may have; at least 1.
	MaxPartitions int
}

// Batch is a range that has become objects.
type Batch struct {
	Manifest *table.Manifest
	// Names holds the file of each of the manifest's objects.
	Names []string
	// End is where the range ended: the start of the next one.
	End     source.Point
	Reasons map[parse.Reason]int64
	// FirstReject is nil when there is none.
	FirstReject *batch.Sample
	// Full says that the range was cut because of its partitions.
	Full bool
}

// Seal turns the range that chunks gives into objects in files, and says what they are in a
// manifest. An empty range is io.EOF. After an error files may hold parts of objects; the range
// can be sealed again from its start.
func Seal(in Input, chunks Chunks, files Files) (*Batch, error) {
	objects, err := newObjects(in, files)
	if err != nil {
		return nil, err
	}
	b, err := sealRange(in, chunks, objects)
	if err != nil {
		objects.abort()
		return nil, err
	}
	return b, nil
}

func sealRange(in Input, chunks Chunks, objects *objects) (*Batch, error) {
	b := batch.NewBuilder(batch.Config{Parser: in.Parser, Granularity: in.Epoch.Partition,
		MaxPartitions: in.MaxPartitions}, in.Start.Offset, objects)
	open, full, err := fill(b, chunks)
	if err != nil {
		return nil, err
	}
	end := chunks.Point()
	if end.Offset == in.Start.Offset {
		return nil, io.EOF
	}
	sum, err := b.Finish(end.Offset)
	if err != nil {
		return nil, err
	}
	m := newManifest(in, end, sum)
	m.OpenEnd, m.Marks = open, chunks.Marks()
	names, err := objects.close(m)
	if err != nil {
		return nil, err
	}
	return &Batch{Manifest: m, Names: names, End: end, Reasons: sum.Reasons,
		FirstReject: sum.First, Full: full}, nil
}

// fill gives b the range. open says that its last line has no line end, full that it was cut
// because of its partitions.
func fill(b *batch.Builder, chunks Chunks) (open, full bool, err error) {
	for !full {
		c, err := chunks.Next()
		if err == io.EOF {
			return open, false, nil
		}
		if err != nil {
			return false, false, err
		}
		var cut int64
		cut, full, err = b.Add(c)
		if err != nil {
			return false, false, err
		}
		open = c.Open
		if full {
			chunks.Cut(cut)
		}
	}
	return false, true, nil
}

// newManifest says all of a batch but its objects.
func newManifest(in Input, end source.Point, sum batch.Summary) *table.Manifest {
	epoch := in.Epoch.ID()
	m := &table.Manifest{
		Format: table.Format, Stream: in.Key.Table.Stream, Version: in.Key.Table.Version,
		Origin: in.Key.Origin, SID: in.Key.ID, K: in.K,
		Epoch: epoch, Seal: source.NewSeal(end.Chain, epoch),
		Start: in.Start.Offset, End: end.Offset,
		ChainIn: in.Start.Chain, ChainOut: end.Chain, ChainState: end.State,
		Records: sum.Records, Rows: sum.Rows, Rejects: sum.Rejects, Skipped: sum.Skipped,
		RowBytes: sum.RowBytes, RejectBytes: sum.RejectBytes, SkippedBytes: sum.SkippedBytes,
		MinTime: sum.MinTime, MaxTime: sum.MaxTime,
	}
	if in.Start.Line < in.Start.Offset || in.Start.Carry != (source.Carry{}) {
		m.Carry = &table.Carry{Line: in.Start.Line, Rest: in.Start.Carry}
	}
	m.Rest = end.Carry
	return m
}
