// Package load brings a heap of finished files to their end: Load groups the files that begin alike, finds
// out which source each one is, and seals and ships what the bucket lacks.
//
// Invariants:
//
//   - The files of a group are settled one after the other, since each is told apart by what is known of the
//     sources before it. Groups share nothing and run side by side.
//   - A second load of the same files seals nothing.
//   - A fault of one file is a problem in the report; the other files go on.
package load
