// Package quarantine buffers the records that did not become rows: for each record its bytes, its source
// and offset, and its reason, which is one word of a documented list (parse.Reasons).
//
// Invariants:
//
//   - The bytes of a record are unchanged and include its line end: the file's [_offset, _offset+length).
//   - All streams have the same quarantine columns, so one query finds every reject.
//   - Rows are in the order of the source, and do not depend on path, host or time.
//
// The package writes nothing: package seal makes an object of a Buffer, beside the data's objects, and the
// manifest of the batch names that object.
package quarantine
