// Package identity decides which source a file is. It compares the file with what is known of the sources
// that begin as the file does. It opens no file, asks no sink and changes no state.
//
// Invariants:
//
//   - A fact is about content: the bytes before this offset have this chain. A fact about the content of a
//     manifest stays true, since a manifest is never replaced.
//   - Two contents with different chains at one offset are different, however long they grow. Only such a
//     difference distinguishes two sources.
//   - The sources of a Family in the sink form a list by their ordinal, without a hole, and that list only
//     grows.
package identity
