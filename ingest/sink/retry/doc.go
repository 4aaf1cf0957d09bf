// Package retry is the one policy for calls that a store cannot do now.
//
// Store is a decorator: it repeats the calls of another sink.Store. Wait is the policy itself, for a package
// that repeats calls of its own. Growing gives the slower waits for something that a person must put right.
//
// Invariants:
//
//   - Only a *sink.TransientError is repeated. Any other error goes to the caller at once.
//   - A cancelled context ends the wait, and no call follows.
//   - From its second attempt on, Put says that the object may be there (sink.Object.Maybe).
//   - While a call waits, it holds no sink.Slot.
//   - List gives each key once, whatever it repeats. A body goes on at the byte where a read failed.
//
// Package retry does not decide which errors are transient: the stores do.
package retry
