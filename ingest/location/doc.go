// Package location knows the two places that a command works with: the sink, which is a folder or a
// bucket, and the state folder.
//
// Invariants:
//
//   - A Location opens and makes nothing before one of its Open methods, or Prepare, is called.
//   - Sink and state are different places, and the state never lies in a folder that the sink is made
//     of. The same text names the same place, from whichever folder the program is started.
//   - Owns is true of every file that Logseal writes there, so that no command takes one for a log.
//   - No error, and no line of the log, repeats credentials that a user put into a URL.
package location
