// Package files finds log files, tells plain from compressed ones, and reads a finished file as ranges of
// whole records with the chain that proves every byte.
//
// Invariants:
//
//   - A File is the bytes that its file held when it was opened, or that its handle gives (Of). What a
//     writer appends later is not read. A file that became shorter is an error (*ShrunkError), never a
//     silent end.
//   - Offsets are positions in the decompressed bytes. Whether a file is compressed is told by its
//     first bytes, never by its name.
//   - Every byte of a file is in exactly one chunk, in order, but for a half line at the end of a
//     file that may grow, changed meanwhile or ends in a fault: that is left.
//   - Where records and ranges end depends on the bytes, the limits and nothing else: not on
//     buffer sizes, on how the system splits reads or on how the file is compressed.
//   - Memory is bounded by the larger of 1 MiB and the longest record allowed, times a small
//     constant, and by 8 MiB for the window of a zstd file, whatever the file holds; a larger one, of up
//     to 128 MiB, is had by one file of the process at a time.
//
// Of, Sniff, Pack and Unpack are for a package that reads files while they grow: it has the bytes, and a File
// reads them.
//
// A Finder looks for files again and again, and tells what it could not look at: what it does not
// find, and nothing Unread covers, is not there.
//
// A checksum stands after the bytes that it covers. So the bytes that a damaged compressed file
// gives before its fault is noticed are as they were decoded; those of one that was cut off are
// always the beginning of the true bytes.
package files
