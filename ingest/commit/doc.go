// Package commit is the protocol of one source: cut a range, seal its batch, put the batch into the spool
// and its offsets into the ledger, ship the batch, and let the ledger forget it. Package load runs the protocol
// for files that are finished, package tail for files that grow.
//
// Invariants. Each is true between any two instructions, so a process may die anywhere and run again:
//
//   - The ledger's sealed offset never passes bytes that neither the spool nor the bucket has, unless a
//     declared loss covers them.
//   - A writer puts the batches of one source in order, and the manifest of a batch after all its objects.
//     So the shipped offset is the end of a contiguous prefix of manifests.
//   - The key of a manifest names only where a batch starts. A writer that finds another manifest there has
//     lost the race: the writer adopts that batch, or, when the bytes differ, its file is another source.
//   - A batch leaves the spool when the bucket has the batch's manifest, or another's at the batch's start; or
//     when nobody has seen the batch outside and its file, which is in hand, is cut again.
//   - An error or a cancelled context changes nothing outside: a shutdown is a crash with manners, and
//     recovery calls the functions of normal running.
//
// The steps of a batch, in order, each with the function that takes it and what a crash right after it leaves:
//
//  1. Cut and seal (cutter.Cut, cutter.sealBegun): objects and a manifest in a staging folder of the spool. A
//     crash leaves a staging folder; the next start removes it, and the range is cut again.
//  2. Into the spool (cutter.toSpool): one rename, fsynced. A crash leaves a batch that no outbox has; the next
//     start sees that the batch chains on to the sealed offset, and enters it (recovery.RecoverSpool, orphans.enter).
//  3. Into the ledger (cutter.commit): one transaction moves the sealed offset and adds the batch to the outbox.
//     From here on the bytes need not be read again. A crash leaves a batch to ship.
//  4. Objects, then the manifest (shipper.putIfFree, shipper.putAs): each put may be repeated. A crash before
//     the manifest leaves objects that no manifest names; a crash after it leaves a committed batch, which the
//     next ship step finds at its own start.
//  5. Out of the spool, then out of the outbox (shipper.noteShipped): a crash in between leaves an outbox entry
//     without files, whose manifest the next ship step finds.
//
// Ship takes steps 4 and 5 for all that the outbox holds, after a crash as in normal running. ShipFree takes them
// for one batch while the next ones are cut; it decides nothing, so whatever it cannot do is left to Ship.
package commit
