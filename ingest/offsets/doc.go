// Package offsets is the ledger: what is known of each source, how far it is sealed and shipped,
// and the batches that wait to be shipped. It is one bbolt file in a state folder that one process
// uses at a time.
//
// Invariants:
//
//   - Every change is one bbolt transaction: durable when the call returns nil, absent when it
//     returns an error, and either of the two after a *CommitError.
//   - A ledger belongs to one sink, and says so. It notes what origin new sources get, once; sources
//     of others may be in it all the same.
//   - A file that is damaged in any way is refused with an error that names it and the way out. It
//     is never repaired, cleared or replaced by an empty one in silence.
//   - What is asked at every start, or again and again, costs in proportion to what waits, not to all
//     that ever was: the indices of what waits and of what is behind are part of the transaction that
//     changes a source.
//   - What is remembered of a file falls with its source: a serial number tells a source from the next
//     one that has its key.
//
// Of a file that is followed it is told how long it was, at least, as well: in the Source whenever a
// batch is sealed, and in a Sighting when the file has grown since. So bytes that are gone when it is
// opened again are known to have been.
//
// It does not know the sink, the spool or the files themselves: it stores what it is told.
package offsets
