// Package deletion decides whether a log file may be deleted: whether every byte of the file is in the sink.
//
// Invariants:
//
//   - A Judge answers yes only if every table that wants the file holds all of the file, or has declared what
//     it lacks not wanted. A table holds a file if the chain of the file agrees with every manifest of one
//     source, and the manifests go to the end of the file.
//   - A Judge asks the sink for each manifest and for each object that a manifest names. It never takes the
//     ledger's word that something was shipped. It takes the ledger's word that something was not.
//   - A last line without a newline counts as unfinished, unless the file is compressed or has not changed
//     since that line was read.
//   - The answer is about the size that it states. Bytes that are written later are not in it.
//   - A Judge changes nothing. Each question to the sink ends after Timeout.
package deletion
