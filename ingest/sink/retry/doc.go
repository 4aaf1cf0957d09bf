// Package retry is the only policy for repeating calls that a store cannot serve at the moment.
//
// Store is a decorator: it repeats the calls of another sink.Store. Wait is the policy itself, for a package
// that repeats calls of its own. Growing gives the longer waits for a fault that a person must fix.
//
// Invariants:
//
//   - Only a *sink.TransientError is repeated. Any other error goes to the caller at once.
//   - A cancelled context ends the wait, and no call follows.
//   - From its second attempt on, Put reports that the object may be there (sink.Object.Maybe).
//   - A call holds no sink.Slot while it waits.
//   - List gives each key once, whatever it repeats. A body continues at the byte where a read failed.
//
// The package does not decide which errors are transient: the stores do.
package retry
