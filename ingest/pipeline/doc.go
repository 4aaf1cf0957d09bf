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
package pipeline
