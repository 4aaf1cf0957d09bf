package source

// ChunkKind tells what a chunk holds.
type ChunkKind uint8

const (
	// Lines is one or more whole lines; each holds at most max_record_bytes before its line end. Of
	// records of several lines it holds all lines, or as many as are allowed.
	Lines ChunkKind = iota
	// ByteOrderMark is the UTF-8 BOM at the start of a source.
	ByteOrderMark
	// TooLong is one fragment of a line of more than max_record_bytes.
	TooLong
	// Continued is the rest of a line whose first part was taken at the end of a file.
	Continued
	// Padding is NULs and BOMs at the start of a line, but for a ByteOrderMark. It may end within a run
	// of NULs.
	Padding
)

// Chunk is a piece of a source that ends at a record's end. Chunks follow one another without
// gap or overlap.
type Chunk struct {
	Kind   ChunkKind
	Offset int64 // of Data[0]
	// Line is where the line that begins or goes on at Offset begins: Offset but for fragments and
	// the rest of a half line.
	Line int64
	// Open says that the last record of Data is not whole because the file ends there: its line has
	// no line end, or its last part is not there.
	Open bool
	// Carry is what records of several lines carry over from before Offset; zero for others.
	Carry Carry
	// Over says that the records which are open at the end of Data are longer than allowed: all their
	// lines are too long, and what follows of them is.
	Over bool
	// Data is valid until the next call to whatever gave the chunk.
	Data []byte
}

// End is the offset after the chunk's last byte.
func (c Chunk) End() int64 { return c.Offset + int64(len(c.Data)) }
