// Package service runs a tail as a service: it holds the state, reports to a service manager, serves metrics
// and a health check, answers questions at a socket, and reads the config again when it is told to.
//
// Invariants:
//
//   - A Service takes the lock of the state before it opens the sink, and gives the lock back last. Everything
//     beside the tail lives until the tail has ended, so that a user can watch the tail end.
//   - A reload takes the new config as a whole or keeps the running config as a whole. It never changes the
//     sink, the state or the origin.
//   - The watchdog hears from the service only while the tail answers, looks at its files, and can seal and
//     ship. If the tail hangs, nobody tells the manager anything, and the manager starts the service again.
//   - Clients of the metrics and of the socket hold a bounded number of connections, whatever they do.
//   - A metric is read off the status when somebody asks. The service keeps no number twice.
//
// A command that finds the state locked asks the service by its socket, with Ask.
package service
