// Package dryrun parses log files as a load would, keeps counts and examples, and writes nothing.
//
// Invariants:
//
//   - The counts are those of a load of the same files: the package cuts lines and parses them with the same
//     code.
//   - A Result holds a bounded number of rejects and rows, however many files there are.
//   - The texts in a Result do no harm on a terminal: every character takes one column, and the package
//     escapes whatever is not printable.
package dryrun
