// Package source names what everything else talks about: a log file's identity (ID), byte
// ranges of it (Range), the running proof of its content (Chain) and the pieces of it that travel
// from reader to parser (Chunk).
//
// Invariants:
//
//   - Every name has one text form, fixed in width and lower case, that sorts as the value does
//     and is parsed back strictly: a name that parses prints as the same text.
//   - Offsets are byte positions in the decompressed source and never negative.
//   - Nothing here opens a file, looks at a clock or depends on the machine it runs on.
package source
