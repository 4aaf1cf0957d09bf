// Package parse turns a chunk of whole lines into typed columns and rejects. A schema and either a strict
// regex or the rules for JSON objects say how.
//
// Invariants:
//
//   - The package is pure: the outcome depends only on the lines and the definition, and is the same
//     however the lines are grouped into chunks. There is one exception: columns with an IANA zone follow
//     the machine's time zone database.
//   - Every line is exactly one of row, reject and skipped. The bytes of all lines, line ends included,
//     add up to the chunk's. A line is skipped only if it has no byte before its LF or CRLF.
//   - A value is never changed silently to fit its type: a text that does not fit becomes a reject with a
//     reason. The constant of each Type documents the texts that the type accepts.
//
// A Definition describes a format, presets included; a Parser is a compiled Definition. The Parser matches
// with a list of spans where the pattern allows that, with package regexp for other patterns, and with a
// JSON scanner of this package for JSON. A list of spans finds exactly what package regexp finds. A line
// costs time linear in its length, and one small allocation at most.
//
// JSON is RFC 8259, and strict where readers differ: one object a line, valid UTF-8, no half of a surrogate
// pair, no name twice in one object; a number is taken exactly or rejected. Only tests use other JSON
// packages.
//
// A chunk has less than 4 GiB and a line in it less than 2 GiB; package files guarantees both. Package
// parse reads no files and writes no rows.
package parse
