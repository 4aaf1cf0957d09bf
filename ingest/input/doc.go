// Package input finds the logs that a command reads or follows, and reads them from disk, from archives and
// from buckets as one file system.
//
// Invariants:
//
//   - Every path that the package gives is absolute, or the URL of an object. A path has no duplicate in
//     one answer, and answers are sorted.
//   - No answer has a file that Logseal wrote itself: its location says which files these are.
//   - A file, folder or link that could not be looked at is reported and not taken for missing. The other
//     files are found all the same.
//   - An object is read as the version that was found, or not at all.
package input
