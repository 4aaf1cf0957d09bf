// Package follow reads log files while they grow, and says when to look for changes.
//
// A File follows one log file. Read takes new bytes into a buffer, Release lets go of the bytes that are
// sealed, Snapshot gives any range as a files.File that reads like a finished file. Events sends a hint
// when something changes in a folder.
//
// Invariants:
//
//   - Bytes that a File has taken stay in its buffer until Release or Forget, whatever a writer does to
//     the file: truncate, rename, remove, fill again.
//   - A File never mixes the bytes of two incarnations of a file. It compares the file with the
//     fingerprint of the bytes it took, after every read and before it uses what it read.
//   - A lost incarnation stays lost until Begin: Read then gives a *TruncatedError.
//   - A Snapshot gives the bytes of its own incarnation, or an error.
//   - A file at rest costs less than 1 KiB of memory. The caller bounds the memory of the others: Held says
//     how much a File takes.
//   - Events are hints. No step waits for one, and no step trusts one.
//
// Package follow does not find files, does not decide which source a file is, and writes nothing.
package follow
