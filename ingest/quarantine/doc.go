// Package quarantine keeps what is no row: the record's own bytes, where they stand in which
// source, and the reason in one word of a documented list (parse.Reasons).
//
// Invariants:
//
//   - A record's bytes are kept as they are, line end included: the file's [_offset, _offset+length).
//   - The table has the same columns for every stream, so one query finds every reject.
//   - Rows are in the order of the source, and nothing in them depends on path, host or time.
//
// It is not a place of its own: package seal makes an object of a Buffer beside the data's objects,
// and the batch's manifest names it.
package quarantine
