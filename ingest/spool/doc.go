// Package spool keeps sealed batches on the local disk until the sink has them.
//
//	<dir>/tmp-<n>/                            a batch that is being made
//	<dir>/<sid>-<start>-<end>-<seal>/
//	    0 1 2 …                               its objects, in the order of its manifest
//	    manifest.json                         written last, deleted first
//	<dir>/held/<name of a batch>/             a batch that nobody ships; the user decides about it
//
// Invariants:
//
//   - A batch folder with a manifest is complete and durable. Recover removes a batch folder without one.
//   - A batch that Commit acknowledged survives kill -9 and power loss. A batch that Commit did not
//     acknowledge is whole afterwards, or Recover removes it.
//   - No file's name ends in .parquet, since the pattern ** of a reader also matches dot folders.
//   - A failed fsync is final: of an object, for its Stage; of a folder, for the Spool.
//
// One process uses a spool at a time; the ledger's lock on the state folder guarantees that. The package
// does not read what it keeps: objects and manifests are bytes.
package spool
