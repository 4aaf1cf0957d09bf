// Package table knows what lies in a bucket: the keys, the manifests, the losses, the notes of sources and
// the definitions of tables, which are called epochs.
//
// Invariants:
//
//   - Every document has one text form. Printing a parsed document of this version gives the same bytes; parsing
//     a printed document gives the same value. A reader ignores fields that the reader does not know, so a format can
//     grow; a known field must be there once, in its place and in its one spelling.
//   - A document says nothing else than its key: ValidateFor compares the two.
//   - A data or quarantine key names everything that the object's bytes depend on: the source, the range and
//     the seal, which hashes the content up to the range's end, the epoch and the encoder's version.
//   - The package is pure: no clock, no file, no machine decides a byte.
//
// The canonical JSON has its fields in the order of their documentation, no spaces, integers in full,
// strings with only the escapes that JSON demands, and one final newline.
package table
