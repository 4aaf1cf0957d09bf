// Package verify proves a sink: that every source in it is covered from 0 without gap or overlap,
// that every object that a manifest names is there with its bytes and rows, and, against the log
// files themselves, that the batches are what the files give.
//
// Invariants:
//
//   - It creates nothing. With Options.Clean it deletes objects that can never be committed, and
//     nothing else.
//   - It may run beside writers: what they have under way is no finding. Data is listed first, then
//     the spool, then manifests, so an object whose batch was shipped meanwhile is named, and one
//     still under way is seen in the spool. A list is a hint only: before something is called
//     missing, a gap or superseded, its key is asked for.
//   - A manifest that cannot be trusted proves nothing: what it may name is neither called
//     superseded nor deleted.
//   - What the store could not answer is no finding: the run ends with an error.
//   - Every finding says in one sentence what is wrong, where, and what to do.
//   - One goroutine judges, manifest by manifest in the order of their keys. What it needs is read
//     ahead of it and what it wants checked is checked behind it, many at once, but the report is
//     the same however that interleaves.
//
// The size and SHA-256 of every named object are compared with its manifest and its rows are
// counted in its footer. A store that knows the digest it took an object with is believed, so of a
// large object only the footer is read; from any other store all of it is. Deep reads all of
// every object, whatever the store says, and its rows too.
//
// Sources of one table that hold the same bytes are found by their chains, as points says.
//
// Memory is bounded by 80 bytes for each object in the sink, 32 for each batch of one source, 32 for
// each source of one table and 24 for each of their batches and marks (a source of 64 MiB has 10, a
// larger one one more for each 64 MiB), the manifests of one source if it is to be proved against a
// file, aheadMax manifests more, and a footer for each of checksMax objects, or the object if the
// store cannot read at an offset. Deep adds, for batches of readBytesMax together or for one that is
// larger, an object up to bufferMax, a row group and a bit for each byte of the batch. Sources add
// what sealing needs and, for batches of another encoder, the objects of one batch.
//
// What it cannot see: the last batch of a source whose manifest was deleted by hand, or all of them.
// Their objects show as unfinished; only Sources notice. And that a source is the beginning of
// another, if it ends where that one has no point: only Sources notice.
package verify
