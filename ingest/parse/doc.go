// Package parse turns a chunk of whole lines into typed columns and rejects, by a strict regex and
// a schema.
//
// Invariants:
//
//   - It is pure: the outcome depends on the lines, the definition and nothing else, and is the
//     same however the lines are grouped into chunks.
//   - Every line is exactly one of row, reject and skipped, and their bytes, line ends included,
//     add up to the chunk's.
//   - A value is never coerced in silence: what does not fit its type is a reject with its reason.
//
// What a format is made of (presets included) is a Definition; a Parser is one compiled.
package parse
