package parse

import "slices"

// NewVectors gives an empty vector for each column.
func NewVectors(columns []Column) []Vector {
	vs := make([]Vector, len(columns))
	for i, c := range columns {
		vs[i].Type = c.Type
	}
	return vs
}

// Reset empties v and keeps its memory.
func (v *Vector) Reset() { v.truncate(0) }

// Len is the number of rows.
func (v *Vector) Len() int {
	switch v.Type {
	case String, IP:
		return len(v.Ends)
	case Int32, Date:
		return len(v.Int32s)
	case Float64:
		return len(v.Float64s)
	case Bool:
		return len(v.Bools)
	default:
		return len(v.Int64s)
	}
}

// AppendFrom appends rows [i, j) of src, which is of the same type and not v itself.
func (v *Vector) AppendFrom(src *Vector, i, j int) {
	v.appendNulls(src, i, j)
	switch v.Type {
	case String, IP:
		v.appendTexts(src, i, j)
	case Int32, Date:
		v.Int32s = append(v.Int32s, src.Int32s[i:j]...)
	case Float64:
		v.Float64s = append(v.Float64s, src.Float64s[i:j]...)
	case Bool:
		v.Bools = append(v.Bools, src.Bools[i:j]...)
	default:
		v.Int64s = append(v.Int64s, src.Int64s[i:j]...)
	}
}

// appendNulls keeps Null as long as the values, or nil while no row is null.
func (v *Vector) appendNulls(src *Vector, i, j int) {
	has := src.Null != nil && slices.Contains(src.Null[i:j], true)
	switch {
	case has && v.Null == nil:
		v.Null = append(make([]bool, v.Len(), v.Len()+j-i), src.Null[i:j]...)
	case has:
		v.Null = append(v.Null, src.Null[i:j]...)
	case v.Null != nil:
		v.Null = append(v.Null, make([]bool, j-i)...)
	}
}

func (v *Vector) appendTexts(src *Vector, i, j int) {
	if i == j {
		return
	}
	start := uint32(0)
	if i > 0 {
		start = src.Ends[i-1]
	}
	shift := uint32(len(v.Bytes)) - start
	v.Bytes = append(v.Bytes, src.Bytes[start:src.Ends[j-1]]...)
	at := len(v.Ends)
	v.Ends = append(v.Ends, src.Ends[i:j]...)
	for k := at; k < len(v.Ends); k++ {
		v.Ends[k] += shift
	}
}

// AppendNull appends a row without a value.
func (v *Vector) AppendNull() {
	if v.Null == nil {
		v.Null = make([]bool, v.Len(), v.capacity()+1)
	}
	v.Null = append(v.Null, true)
	switch v.Type {
	case String, IP:
		v.Ends = append(v.Ends, uint32(len(v.Bytes)))
	case Int32, Date:
		v.Int32s = append(v.Int32s, 0)
	case Float64:
		v.Float64s = append(v.Float64s, 0)
	case Bool:
		v.Bools = append(v.Bools, false)
	default:
		v.Int64s = append(v.Int64s, 0)
	}
}

// AppendInt64 appends to an Int64, Timestamp or Duration column.
func (v *Vector) AppendInt64(n int64) {
	v.Int64s = append(v.Int64s, n)
	v.appendPresent()
}

// AppendInt32 appends to an Int32 or Date column.
func (v *Vector) AppendInt32(n int32) {
	v.Int32s = append(v.Int32s, n)
	v.appendPresent()
}

// AppendFloat64 appends to a Float64 column.
func (v *Vector) AppendFloat64(f float64) {
	v.Float64s = append(v.Float64s, f)
	v.appendPresent()
}

// AppendBool appends to a Bool column.
func (v *Vector) AppendBool(b bool) {
	v.Bools = append(v.Bools, b)
	v.appendPresent()
}

// AppendBytes appends a copy of b to a String or IP column, which holds at most 4 GiB.
func (v *Vector) AppendBytes(b []byte) {
	v.Bytes = append(v.Bytes, b...)
	v.endText()
}

// AppendString is AppendBytes of a string.
func (v *Vector) AppendString(s string) {
	v.Bytes = append(v.Bytes, s...)
	v.endText()
}

// endText ends the text that was appended to Bytes.
func (v *Vector) endText() {
	v.Ends = append(v.Ends, uint32(len(v.Bytes)))
	v.appendPresent()
}

func (v *Vector) appendPresent() {
	if v.Null != nil {
		v.Null = append(v.Null, false)
	}
}

// capacity is how many rows fit without growing.
func (v *Vector) capacity() int {
	switch v.Type {
	case String, IP:
		return cap(v.Ends)
	case Int32, Date:
		return cap(v.Int32s)
	case Float64:
		return cap(v.Float64s)
	case Bool:
		return cap(v.Bools)
	default:
		return cap(v.Int64s)
	}
}

// truncate drops the rows from n on. It may leave a Null that marks nothing; see dropNull.
func (v *Vector) truncate(n int) {
	switch v.Type {
	case String, IP:
		if n < len(v.Ends) {
			v.Bytes = v.Bytes[:v.start(n)]
			v.Ends = v.Ends[:n]
		}
	case Int32, Date:
		v.Int32s = v.Int32s[:n]
	case Float64:
		v.Float64s = v.Float64s[:n]
	case Bool:
		v.Bools = v.Bools[:n]
	default:
		v.Int64s = v.Int64s[:n]
	}
	switch {
	case n == 0:
		v.Null = nil
	case v.Null != nil:
		v.Null = v.Null[:n]
	}
}

// start is where row i of a text column begins in Bytes.
func (v *Vector) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return v.Ends[i-1]
}

// dropNull makes Null nil if it marks nothing, as it may after rows were truncated.
func (v *Vector) dropNull() {
	if v.Null != nil && !slices.Contains(v.Null, true) {
		v.Null = nil
	}
}
