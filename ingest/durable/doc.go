// Package durable makes folders and files that survive a power loss: mkdir, fsync and rename, in the order
// that a disk needs.
//
// Invariants:
//
//   - A name in a folder is durable once an fsync of that folder returned nil. Every function here that
//     makes a name fsyncs the folder of the name before it returns nil.
//   - A file has its final name only when its bytes are durable.
//   - A failed fsync is final. The kernel may have dropped the bytes or names that it could not write, and
//     the next fsync may report success. So no function here calls fsync again after a failure. The error is
//     a *SyncError; its caller must stop using what was fsynced, and look at the disk again.
//   - A folder that cannot be opened was not fsynced, and has lost nothing: that error is no *SyncError.
//   - If the process dies between two calls, a second run of the same function finishes the work.
//
// The comment of each function lists its system calls in order. A file system that does not keep what it
// fsynced breaks every promise here, and no caller can see it.
package durable
