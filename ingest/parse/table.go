package parse

// Vector is one column of a Table. Exactly one of the value slices is in use, by Type; it has an
// element for each row, zero where the row is null.
type Vector struct {
	Type Type
	// Null marks the rows without a value; it is nil when there are none.
	Null []bool

	Int64s   []int64   // Int64; Timestamp in microseconds since 1970 UTC; Duration in nanoseconds
	Int32s   []int32   // Int32; Date in days since 1970
	Float64s []float64 // Float64
	Bools    []bool    // Bool

	// Strings and IPs: row i is Bytes[Ends[i-1]:Ends[i]], from 0 for the first.
	Bytes []byte
	Ends  []uint32
}

// Value is the bytes of row i of a String or IP column. It aliases v.Bytes.
func (v *Vector) Value(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = v.Ends[i-1]
	}
	return v.Bytes[start:v.Ends[i]]
}

// IsNull reports whether row i has no value.
func (v *Vector) IsNull(i int) bool { return v.Null != nil && v.Null[i] }

// Table is the outcome of parsing: rows in columns, rejects, and what was skipped, each in the
// order of the source.
type Table struct {
	Offsets []int64  // where each row's record begins in the source
	Lengths []int32  // its bytes, line end included
	Columns []Vector // in schema order

	Rejects []Reject

	SkippedLines int64
	SkippedBytes int64

	// Groups are where records of several lines lie, each from a place where no record is open to the
	// next: rows that begin within one cannot be told from each other by a cut. Lines that are
	// records have none.
	Groups []Group

	// Of the record at hand; memory that is used again.
	document document
	joiner   joiner
	groups   []int
	outer    [maxFrameColumns][]byte // the texts of a frame's columns
}

// Group is the half-open range [Start, End) of a source.
type Group struct{ Start, End int64 }

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.Offsets) }

// reset empties t for rows of columns and keeps its memory where the types are the same.
func (t *Table) reset(columns []Column) {
	same := len(t.Columns) == len(columns)
	for i := 0; same && i < len(columns); i++ {
		same = t.Columns[i].Type == columns[i].Type
	}
	if !same {
		t.Columns = NewVectors(columns)
	}
	for i := range t.Columns {
		t.Columns[i].Reset()
	}
	t.Offsets, t.Lengths, t.Rejects = t.Offsets[:0], t.Lengths[:0], t.Rejects[:0]
	t.SkippedLines, t.SkippedBytes = 0, 0
	t.Groups = t.Groups[:0]
}

// Reject is a record that is no row. Raw aliases the chunk it was parsed from.
type Reject struct {
	Offset int64
	Raw    []byte // the record's bytes, line end included
	Reason Reason
	// Field is the column at fault or, where no column reads it, the key of the member as a
	// Column's Key has it, clipped; empty for none.
	Field  string
	Detail string // more for a person, empty for none
}
