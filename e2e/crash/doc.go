// Package crash holds the tests that kill the real program. It has no code of its own.
//
// They build `ingest`, kill it with SIGKILL while it loads, run it again until it is done, and want
// what `load` promises: `verify --deep --source` finds nothing, and the sink holds the same files
// with the same bytes as after a load that nobody disturbed. They are:
//
//   - the sweep: a small load, killed at each call that changes something on disk, one run a call.
//     A tracer of our own counts the calls over all threads of the process (strace counts them per
//     thread, so most of its k would never come), and the sweep ends when a run is over before its
//     call comes. The program has no hook for it.
//   - the same load killed again and again, a little later each time, until one run comes through.
//   - larger loads killed at random moments; their seed is logged.
//   - state folder, ledger or spool deleted between two of them, with the same and with another
//     batch size.
//   - two loads of one file into one folder, each with a state and a batch size of its own.
//   - files that would need a lot of memory if they were read as lines.
//
// The same with a bucket of a real S3 server (package s3test), whose folder is read to compare it:
//
//   - the step matrix: at each request of a small load the server answers badly, or not although it
//     has done it, or is killed, or the load is killed, before the request is done and after; with
//     and without its state from then on.
//   - the sweep, in which the calls that write to the server count, too.
//   - larger loads and the server killed at random moments.
//   - networks that are down, slow, far away, silent or reset connections.
//   - machines that share nothing but the bucket: several load one heap at once, whole or by
//     shards, and one is lost with its state.
//
// A killed process loses nothing that it has written, so these tests say nothing about power loss:
// that is what the tests of spool and ledger over a file system that forgets are for.
//
// `go test ./e2e/crash` runs them small, `go test -tags crash ./e2e/crash` (`make crash`) as large
// as they are meant, in an hour or more.
package crash
