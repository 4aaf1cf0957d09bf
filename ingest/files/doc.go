// Package files finds log files, distinguishes plain files from compressed ones, and reads a finished file
// as ranges of whole records, with the chain that proves every byte.
//
// Invariants:
//
//   - A File has the bytes that its file had when it was opened, or the bytes of its handle (Of). It does
//     not read what a writer appends later. If the file becomes shorter, the File returns a *ShrunkError; it
//     never ends silently.
//   - An offset is a position in the decompressed bytes. The first bytes of a file decide whether it is
//     compressed; its name does not.
//   - Every byte of a file is in exactly one chunk, in order. The exception is a half line at the end of a
//     file that may grow, that changed meanwhile or that ends in a fault: the File leaves that line.
//   - Only the bytes and the limits decide where records and ranges end. Buffer sizes, the way the system
//     splits reads, and the compression do not.
//   - Memory is bounded, whatever the file holds: by a small constant times the larger of 1 MiB and the
//     longest record allowed, and by 8 MiB for the window of a zstd file. A zstd file may have a larger
//     window, of up to 128 MiB, but the process reads only one such file at a time.
//
// Of, Sniff, Pack and Unpack serve a package that reads growing files: that package supplies the bytes, and
// a File reads them.
//
// A Finder searches for files repeatedly and reports the places that it could not search. A file that the
// Finder does not find, and that is not below a place of Unread, does not exist.
//
// The checksum of compressed data follows the bytes that it covers. So a damaged compressed file may give
// wrong bytes before its fault is noticed. The bytes of a file that was only cut off are always a prefix of
// the true bytes.
//
// The package does not parse records and does not decide which source a file is.
package files
