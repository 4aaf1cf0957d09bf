// Package tail follows files that grow, rotate, are truncated and go away, and commits what they hold.
//
// Invariants, besides those of package commit:
//
//   - What a Tail read is in memory, from the sealed offset on, until a transaction of the ledger has moved
//     the offset past it. So every byte read of a source is sealed, or held in memory, or still in the file.
//   - A Tail reads from a file only while the file is what it was: bytes from before and after a
//     truncation never meet in a range. After a truncation the inode holds another log file.
//   - At most one file is the active file of a source. A file becomes active only when it holds all
//     that is sealed of the source.
//   - For every source with sealed data the ledger stores a lower bound of the file's size. A loss is put
//     into the bucket before the ledger forgets the bound.
//   - If the ledger is not empty, only three steps wait for the sink: shipping, declaring a loss, and (for
//     at most a few seconds) identifying a file. A start with new or changed streams asks the sink about these
//     first, and so does a reload.
package tail
