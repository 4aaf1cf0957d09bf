// Package parse turns a chunk of whole lines into typed columns and rejects, by a strict regex or
// as JSON objects, and a schema.
//
// Invariants:
//
//   - It is pure: the outcome depends on the lines, the definition and nothing else, and is the
//     same however the lines are grouped into chunks. One thing reaches in from outside: columns
//     with an IANA zone follow the machine's time zone database.
//   - Every line is exactly one of row, reject and skipped, and their bytes, line ends included,
//     add up to the chunk's. Skipped are only lines without a byte before their LF or CRLF.
//   - A value is never coerced in silence: what does not fit its type is a reject with its reason.
//     The texts that each Type takes are said at its constant.
//
// What a format is made of (presets included) is a Definition; a Parser is one compiled. Its
// matcher is a list of spans where the pattern is one, else package regexp, or a scanner of JSON of
// our own, so a line costs time linear in its length, and a small allocation at most. A list of spans
// finds what package regexp does.
//
// JSON is RFC 8259, held to the letter where readers differ: one object a line, valid UTF-8, no
// half of a surrogate pair, no name twice in one object, numbers exact or refused. Other packages
// that know JSON are only asked in tests.
//
// A chunk is less than 4 GiB and a line in it less than 2 GiB; package files sees to both.
package parse
