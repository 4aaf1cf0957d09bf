// Package offsets is the ledger: what is known of each source, how far it is sealed and shipped,
// and the batches that wait to be shipped. It is one bbolt file in a state folder that one process
// uses at a time.
//
// Invariants:
//
//   - Every change is one bbolt transaction: durable when the call returns nil, absent when it
//     returns an error, and either of the two after a *CommitError.
//   - A ledger belongs to one sink and one origin, and says so.
//   - A file that is damaged in any way is refused with an error that names it and the way out. It
//     is never repaired, cleared or replaced by an empty one in silence.
//
// Of a file that is followed it is told how long it was, at least, as well: in the Source whenever a
// batch is sealed, and in a FileRecord whose Offset is after what is sealed. So bytes that are gone
// when it is opened again are known to have been.
//
// It does not know the sink, the spool or the files themselves: it stores what it is told.
package offsets
