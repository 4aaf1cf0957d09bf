// Package verify proves a sink. It proves that the batches of every source cover the source from 0 without
// gap or overlap, and that every object that a manifest names is there with its bytes and rows. Against the
// log files themselves it proves that the batches are what the files give.
//
// Invariants:
//
//   - Verify creates nothing. With Options.Clean it deletes objects that can never be committed, and
//     nothing else.
//   - Verify may run beside writers: their unfinished work is no finding. It lists the data first, then the
//     spool, then the manifests. So a manifest names an object whose batch was shipped meanwhile, and the
//     spool shows an object that is not shipped yet. A list is a hint only: before Verify reports an object
//     as missing, a gap or superseded, it asks for the key.
//   - A manifest that cannot be trusted proves nothing: Verify neither reports an object that it may name as
//     superseded nor deletes it.
//   - If the store could not answer a question, that is no finding: the run ends with an error.
//   - Every finding says in one sentence what is wrong, where, and what to do.
//   - One goroutine judges, manifest by manifest in the order of their keys. Other goroutines read ahead of
//     it and check objects behind it, many at once; the report is the same whatever their order.
//
// Verify compares the size and SHA-256 of every named object with the manifest, and counts the rows by the
// object's footer. If the store reports the digest that it took an object with, Verify relies on that digest
// and reads only the footer of a large object; from any other store it reads all of the object. Deep reads
// all of every object, whatever the store reports, and its rows too.
//
// Verify finds sources of one table that hold the same bytes by their chains (file points.go).
//
// Memory is bounded by 80 bytes for each object in the sink, 32 for each batch of one source, 32 for
// each source of one table and 24 for each of their batches and marks (a source of 64 MiB has 10, a
// larger one has one more for each 64 MiB), the manifests of one source if it is to be proved against a
// file, aheadMax manifests more, and a footer for each of checksMax objects, or the object if the
// store cannot read at an offset. Deep adds, for batches of readBytesMax together or for one that is
// larger, an object up to bufferMax, a row group and a bit for each byte of the batch. Sources adds
// what sealing needs and, for batches of another encoder, the objects of one batch.
//
// Two things Verify cannot see in the sink; only Sources shows them. If somebody deleted the manifest of the
// last batch of a source, or all its manifests, their objects appear as unfinished. And if a source is the
// beginning of another and ends where that one has no point, the two do not show as holding the same bytes.
package verify
