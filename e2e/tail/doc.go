// Package tail holds the tests that let the real program follow real files. It has no code of its
// own.
//
// They build `ingest`, run `ingest tail` as a child, and do to log files what writers, rotation and
// people do to them. What must come out they know from what they wrote; what did come out they read
// as a stranger to the program would: manifests as JSON, and the Parquet objects that these name
// with Arrow. Each test ends with a SIGTERM that is to end the child in order, holds rows against
// lines, each line as often as it was written, and wants `verify` to find nothing but the losses
// that the test says there must be. They are:
//
//   - the scenarios of other collectors' own tests, under the names they have there. Where those
//     settle for "at least once" or for lines that are gone in silence, these do not.
//   - rotation as logrotate does it, call by call, and by logrotate itself where it is installed.
//   - losses: bytes that are gone before they could be read, which must be declared.
//   - a day without S3, to scale: the spool is full, reading pauses, files are deleted.
//   - logs of one program, which begin alike: rotated ones, short ones, archives. `-tags crash`
//     (`make crash`) tells each story twenty times.
//   - many logs with one banner, by load and by tail, whose state is lost in the middle: how many
//     requests and how much time each needs of a bucket that counts. `-tags soak` does it with
//     thousands.
//
// With `-tags soak` (`make soak`) also
//
//   - the soak: many files that grow and rotate fast, while program, server and network go down at
//     random. SOAK_DURATION says for how long, 10 minutes by default.
//   - thousands of files at rest and a few that are busy: what that costs, and how late lines are.
//   - a ledger of 200,000 sources of old, which may cost nothing.
//   - the program built with the race detector, while logs rotate.
//
// Nothing waits for time to pass: a test waits until what it wants is there. Where it wants that
// nothing comes, it waits for a line that was written after everything else (site.look).
package tail
