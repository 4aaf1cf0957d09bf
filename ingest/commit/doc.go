// Package commit is the protocol of one source: cut a range, seal its batch, put the batch into the spool
// and its offsets into the ledger, ship the batch, and let the ledger forget it. Package load runs the protocol
// for files that are finished, package tail for files that grow.
//
// Invariants. Each is true between any two instructions, so a process may die anywhere and run again:
//
//   - The ledger's sealed offset never passes bytes that neither the spool nor the bucket has.
//   - A writer puts the batches of one source in order, and the manifest of a batch after all its objects.
//     So the shipped offset is the end of a contiguous prefix of manifests.
//   - The key of a manifest names only where a batch starts. A writer that finds another manifest there has
//     lost the race: the writer adopts that batch, or, when the bytes differ, its file is another source.
//   - A batch leaves the spool only when the bucket has its manifest, or another's at its start.
//   - An error or a cancelled context changes nothing outside: a shutdown is a crash with manners, and
//     recovery calls the functions of normal running.
package commit
