// Package seal turns one range of a source into objects and a manifest.
//
// Invariants:
//
//   - The same range under the same epoch gives the same objects and the same manifest, byte for byte, however
//     the range was read and on every machine: no clock, no file, no machine decides a byte.
//   - The manifest names every object and counts every record of the range, once.
package seal
