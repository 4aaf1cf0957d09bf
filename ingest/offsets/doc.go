// Package offsets is the ledger. For each source it stores what is known of the source, how far the source
// is sealed and shipped, and the batches that wait to be shipped. The ledger is one bbolt file in a state
// folder that one process uses at a time.
//
// Invariants:
//
//   - Every change is one bbolt transaction. It is durable when the call returns nil, absent when the call
//     returns an error, and either of the two after a *CommitError.
//   - A ledger belongs to one sink, and records the sink's name. It records once which origin new sources
//     get; it may contain sources of other origins all the same.
//   - A damaged file is refused with an error that names the file and the remedy. The ledger is never
//     repaired, cleared or replaced by an empty one silently.
//   - A query that runs at every start, or repeatedly, costs in proportion to what waits, not to all sources
//     that ever were: the transaction that changes a source also updates the indices of the sources that
//     wait and of those that are behind.
//   - The records about a file lose their validity with its source: a serial number distinguishes a source
//     from the next source with the same key.
//
// The ledger also stores a lower bound of the size of a followed file: in the Source whenever a batch is
// sealed, and in a Sighting when the file has grown since. So bytes that are gone when the file is opened
// again are known to have existed.
//
// The package does not know the sink, the spool or the files: it stores what its caller gives it.
package offsets
