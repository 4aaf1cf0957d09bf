// Package usage marks errors that the user can fix by writing something else.
//
// Invariants:
//
//   - Any package may return such an error; the command line alone decides its exit code.
//   - An Error changes no text: its message is the message of the error that it wraps.
//   - The message says what to write instead.
package usage
