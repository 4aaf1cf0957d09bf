// Package source defines the names that all other packages use: the identity of a log file (ID), a byte
// range of it (Range), the running proof of its content (Chain), and the piece of it that a reader hands
// to a parser (Chunk).
//
// Invariants:
//
//   - Every name has one text form. The form is lower case, has a fixed width and sorts as the value does.
//     Parsing is strict: a text that parses is the text that the value prints.
//   - An offset is a byte position in the decompressed source and is never negative.
//   - The package is pure: it opens no file, reads no clock and does not depend on the machine.
package source
