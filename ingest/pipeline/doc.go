// Package pipeline drives ranges of sources through the stages in the one right order: settle who
// a file is, cut and seal a range, ship it, commit it.
//
// Invariants, each true between any two instructions, so that a process may die anywhere and be
// run again:
//
//   - The ledger's sealed offset never passes bytes that are not in the spool or in the bucket.
//   - The batches of one source are put in order, a batch's manifest after all its objects, so the
//     shipped offset is a contiguous prefix of manifests.
//   - A manifest's key names only where a batch starts: whoever is second there adopts what is
//     there or, when the bytes differ, is another source.
//   - Nothing is taken from the spool before its manifest is known to be in the bucket or its start
//     to be lost to another's.
//   - An error or a cancelled context changes nothing outside: shutting down is a crash with
//     manners, and recovery calls the functions of normal running.
//
// Load is for files that are there, a Tail for files that change. Both seal and ship by the same
// code. Of a Tail these hold besides:
//
//   - What was read is in memory, from the sealed offset on, until a transaction of the ledger has
//     advanced that offset over it. So [0, taken) of a source is sealed, or held, or both.
//   - A file is read from only while it is what it was: bytes from before and after a truncation
//     never meet in a range. What an inode holds after one is another file.
//   - Each source is read from one file at most. A file becomes its owner only when it holds all
//     that is sealed of the source.
//   - The ledger knows of a source that something was sealed of how long its file was at least. A
//     loss is put before the ledger forgets that.
//   - With a ledger that knows something no step waits for the sink but shipping, declaring a loss
//     and, for a few seconds, telling who a file is.
package pipeline
