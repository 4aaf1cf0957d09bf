// Package parquet writes and reads Parquet files, bytes only: a caller says what a column means.
//
// Invariants:
//
//   - The same rows give the same bytes, on every machine. Values alone decide the encoding of a column
//     chunk, where pages end and which statistics a chunk has, never how the rows were split over calls.
//   - What a Layout names is in every file: columns, order, types, the name of the encoder.
//   - A damaged file gives an error. A reader never panics and never allocates more than a row group
//     may hold.
//
// The package wraps the writer of arrow-go, of which it sets every choice that this one leaves open.
package parquet
