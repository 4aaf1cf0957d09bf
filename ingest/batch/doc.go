// Package batch collects the outcome of one range of a source (rows by partition, rejects, and counts of
// what was skipped) and proves that no byte of the range is lost or counted twice.
//
// Invariants:
//
//   - The package is pure. Its output does not depend on how the range was split into chunks: only the
//     records, in their order, decide when a group is flushed and where a range is cut for its partitions.
//   - Memory is bounded: the buffers never take more than GroupBytes and one record.
//   - Every byte of the range is in exactly one row, reject or skipped line, and the offsets of the records
//     rise. Finish checks both, and returns an *ImbalanceError if one of them is broken.
//
// The package reads no files and knows no object format; package seal writes what it collects.
package batch
