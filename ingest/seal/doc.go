// Package seal turns a batch into objects, byte for byte the same every time, and owns everything
// that is written into a bucket: the keys, the manifest, the losses, the epoch and the encoder's
// version.
//
// Invariants:
//
//   - Keys, manifests, losses, notes and epochs have one text form. What parses prints as the same
//     bytes; what prints parses as the same value. Fields a reader does not know are ignored, so that
//     a format can grow; a known field must be there, once, in its place and in its one spelling.
//   - A body says nothing else than its key: ValidateFor holds one against the other.
//   - A data or quarantine key names all that its bytes depend on: the source and the range, and by
//     the seal the content up to the range's end, the epoch and the encoder.
//   - It is pure: no clock, no file, no machine decides a byte.
//
// The canonical JSON is: the fields in the order of their documentation, no spaces, integers in
// full, strings with only the escapes that JSON demands, one final newline.
package seal
