// Package follow reads log files while they grow, and gives hints when to read again.
//
// A File follows one log file. Read takes new bytes into a buffer, Release drops the bytes that are sealed,
// and Snapshot gives any range as a files.File, which reads like a finished file. Events sends a hint when
// something changes in a folder.
//
// Invariants:
//
//   - Bytes that a File has taken stay in its buffer until Release or Forget, even if a writer truncates,
//     renames, removes or refills the file.
//   - A File never mixes the bytes of two incarnations of a file. It compares the file with the
//     fingerprint of the bytes it took, after every read and before it uses what it read.
//   - A lost incarnation stays lost until Begin: Read then returns a *TruncatedError.
//   - A Snapshot gives the bytes of its own incarnation, or an error.
//   - A File at rest takes less than 1 KiB of memory. The caller bounds the memory of the others: Held
//     returns how much a File takes.
//   - Events are hints. No step waits for one, and no step relies on one.
//
// The package does not find files, does not decide which source a file is, and writes nothing.
package follow
