// Package batch gathers the outcome of one range of a source (rows by partition, rejects, what was
// skipped) and proves that no byte of it is lost or counted twice.
//
// Invariants:
//
//   - It is pure, and what it hands on is the same however the range came in chunks: groups are
//     flushed, and a range is cut for its partitions, by the records alone, in their order.
//   - Memory is bounded: what is buffered never costs more than GroupBytes and one record.
//   - Every byte between the range's start and its end is in exactly one row, reject or skipped
//     line, the offsets of the records rise, and Finish says so or returns an *ImbalanceError.
//
// It knows neither files nor formats of objects; package seal writes what it gathers.
package batch
