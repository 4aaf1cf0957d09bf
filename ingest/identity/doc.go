// Package identity tells which source a file is, from what is known of the sources that begin as
// the file does. It opens no file, asks no sink and changes no state.
//
// Invariants:
//
//   - A fact is about content: at this offset the bytes before it have this chain. A fact about the
//     content of a manifest holds for ever, since manifests are never replaced.
//   - Two contents that have different chains at one offset are different, however long they grow.
//     Nothing else tells two sources apart.
//   - What the sink has of the sources of a Family is a list by their ordinal without a hole, and it
//     only grows.
package identity
