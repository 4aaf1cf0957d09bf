// Package archive reads the members of zip and tar archives as files: `a.zip/member` is the path of one.
//
// Invariants:
//
//   - Whether a file is an archive is told by its first bytes, never by its name.
//   - A member is read where it lies: nothing is unpacked to disk or held in memory. What zip has deflated is
//     given as gzip, with the length and the checksum that the archive states, so that whoever unpacks it
//     checks both.
//   - Every regular member has one path, below the archive's, whatever its name says: `/`, `.` and `..` lead
//     nowhere else, and members of one name are told apart.
//   - What is listed and cannot be read (encrypted, in a method of its own, sparse, cut off) is an error when it
//     is opened. What of an archive cannot be listed is an error beside what can.
//   - Directories are kept for archives that stay as they are; a member of one that changed is looked up again.
//
// The format of zip is PKWARE's APPNOTE, that of tar is POSIX.1-2001 pax, ustar and what GNU tar writes.
package archive
