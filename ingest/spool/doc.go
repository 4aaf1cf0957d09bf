// Package spool keeps sealed batches on the local disk until the sink has them.
//
//	<dir>/tmp-<n>/                            a batch being made
//	<dir>/<sid>-<start>-<end>-<seal>/
//	    0 1 2 …                               its objects, in the order of its manifest
//	    manifest.json                         written last, deleted first
//	<dir>/held/<name of a batch>/             one that nobody ships: a user's to decide about
//
// Invariants:
//
//   - A batch folder with a manifest is complete and durable; one without is rubbish.
//   - What Commit acknowledged survives kill -9 and power loss; what it did not is there whole, or
//     is rubbish that Recover removes.
//   - No file's name ends in .parquet: a reader's ** sees dot folders too.
//   - A failed fsync is final: of an object, for its Stage; of a folder, for the Spool.
//
// One process uses a spool at a time; the ledger's lock on the state folder sees to that. The
// spool does not read what it keeps: objects and manifests are bytes.
package spool
