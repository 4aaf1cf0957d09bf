package quarantine

import "logseal/ingest/parse"

// Column describes a column of every quarantine table.
type Column struct {
	Name string
	// Type is that of the column's vector.
	Type parse.Type
	// Binary marks bytes that need not be UTF-8; they are in a vector of Type String.
	Binary bool
	// Optional marks a column that may be null.
	Optional bool
}

// The place of each column in Columns and in what Buffer.Vectors gives.
const (
	colID = iota
	colOffset
	colLength
	colRaw
	colReason
	colField
	colDetail
	colEpoch
	colOrigin
	numColumns
)

// Columns describes the table, in the order of its columns.
func Columns() []Column {
	return []Column{
		colID:     {Name: "_sid", Type: parse.String},
		colOffset: {Name: "_offset", Type: parse.Int64},
		colLength: {Name: "length", Type: parse.Int64},
		colRaw:    {Name: "raw", Type: parse.String, Binary: true},
		colReason: {Name: "reason", Type: parse.String},
		colField:  {Name: "field", Type: parse.String, Optional: true},
		colDetail: {Name: "detail", Type: parse.String, Optional: true},
		colEpoch:  {Name: "epoch", Type: parse.String},
		colOrigin: {Name: "_origin", Type: parse.String, Optional: true},
	}
}
