package commit

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// Counts is what a run sealed.
type Counts struct {
	Bytes        int64 // decompressed
	Records      int64
	Rows         int64
	Rejects      int64
	Skipped      int64 // lines
	SkippedBytes int64
	Objects      int64
	Reasons      map[parse.Reason]int64
	First        *Reject // of the rejects, nil for none
}

// Add adds o, or takes it away for a sign of -1.
func (c *Counts) Add(o Counts, sign int64) {
	c.Bytes += sign * o.Bytes
	c.Records += sign * o.Records
	c.Rows += sign * o.Rows
	c.Rejects += sign * o.Rejects
	c.Skipped += sign * o.Skipped
	c.SkippedBytes += sign * o.SkippedBytes
	c.Objects += sign * o.Objects
	for r, n := range o.Reasons {
		if c.Reasons == nil {
			c.Reasons = map[parse.Reason]int64{}
		}
		c.Reasons[r] += sign * n
	}
	if sign > 0 && o.First != nil && (c.First == nil || o.First.before(c.First)) {
		c.First = o.First
	}
}

// Report is the outcome of a run.
type Report struct {
	Counts
	Sources    int64 // files seen
	Duplicates int64 // files whose bytes are committed under another path
	Undecided  int64 // files left unread because they may be another's earlier state
	Shipped    int64 // batches shipped, those of earlier runs among them
	Problems   []Problem
}

// Kind is the kind of a problem.
type Kind string

const (
	// Undecided is a file that agrees with a source but ends before what is committed of it.
	Undecided Kind = "undecided"
	// Corrupt is a compressed file with a fault; it was read up to the last record end before it.
	Corrupt Kind = "corrupt"
	// Changed is a file that was changed other than by appending while it was read.
	Changed Kind = "changed"
	// Growing is a file whose last, unended line was not taken because it still grows.
	Growing Kind = "growing"
	// Unreadable is a file that could not be read at all, or is gone since it was found.
	Unreadable Kind = "unreadable"
	// Unsupported is a file that holds what is no text; nothing of it was read.
	Unsupported Kind = "unsupported"
	// TooManyRejects is a batch past its stream's limit that was kept in quarantine.
	TooManyRejects Kind = "rejects"
	// Halted is a source stopped at such a batch; nothing of it was sealed.
	Halted Kind = "halted"
	// Conflict is a source stopped because a key of its batch holds other bytes.
	Conflict Kind = "conflict"
	// Refused is a sink that refuses what it is asked.
	Refused Kind = "refused"
	// Failed is a file that could not be gone on with, for a reason that may pass.
	Failed Kind = "failed"
	// Twin is a file whose bytes a source of another origin has, or may have.
	Twin Kind = "twin"
	// Scarce is a limit of the system that keeps what is followed from being read at once.
	Scarce Kind = "scarce"
	// Gone is a source stopped because bytes it needs are neither in its file nor in the spool.
	Gone Kind = "gone"
)

// Problem is something that a person must look at although the run continued.
type Problem struct {
	Kind    Kind
	Path    string // of the file, or empty
	Message string // what happened, where, and what to do
}

func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// StopError ends the work on one source; the others go on.
type StopError struct{ Problem }

func (e *StopError) Error() string { return e.Problem.String() }

// Stop gives an error that ends the work on one source or file alone.
func Stop(kind Kind, path, format string, args ...any) error {
	return &StopError{Problem{kind, path, fmt.Sprintf(format, args...)}}
}

// AsFault makes an error of reading one file a problem of that file: the others go on. Any other
// error stays what it is.
func AsFault(path string, err error) error {
	var inPath *fs.PathError
	var unsupported *files.UnsupportedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*files.ShrunkError)):
		return Stop(Changed, path, "it was truncated while it was read (%v); what was sealed of it is "+
			"kept; run again to read it as it is now", err)
	case errors.As(err, &unsupported):
		return Stop(Unsupported, unsupported.Path, "%s; nothing of it was sealed", unsupported.Advice())
	case errors.As(err, new(*files.NotRegularError)), errors.As(err, new(*files.LinkError)):
		return Stop(Unreadable, path, "it cannot be read: %v", err)
	case errors.As(err, &inPath) && inPath.Path == path:
		return Stop(Unreadable, path, "it cannot be read: %s: %v; fix that and run again", inPath.Op,
			inPath.Err)
	}
	return err
}

// counters is a Report under a lock: workers add to it as they go.
type counters struct {
	mu     sync.Mutex
	Report Report
	tables map[source.Table]*tableCounts
}

// tableCounts is what a run sealed of one table.
type tableCounts struct {
	Counts
	pastLimit bool // a batch of it was
}

// count adds a batch, or takes it away again.
func (t *counters) count(table source.Table, c Counts, sign int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Report.Counts.Add(c, sign)
	t.ofTable(table).Add(c, sign)
}

// passLimit notes that a batch of a table is past its limit.
func (t *counters) passLimit(table source.Table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ofTable(table).pastLimit = true
}

// table gives what was sealed of a table.
func (t *counters) table(table source.Table) tableCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return *t.ofTable(table)
}

// ofTable gives the counts of a table. The lock is held.
func (t *counters) ofTable(table source.Table) *tableCounts {
	if t.tables == nil {
		t.tables = map[source.Table]*tableCounts{}
	}
	if t.tables[table] == nil {
		t.tables[table] = &tableCounts{}
	}
	return t.tables[table]
}

// Add changes the report.
func (t *counters) Add(f func(*Report)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.Report)
}

// raise reports a problem.
func (r *Engine) raise(p Problem) {
	if r.Notice != nil {
		r.Notice(p)
		return
	}
	r.Counters.Problem(p)
}

// Problem adds a problem to the report.
func (t *counters) Problem(p Problem) {
	t.Add(func(r *Report) {
		if p.Kind == Undecided {
			r.Undecided++
		}
		r.Problems = append(r.Problems, p)
	})
}

// KindOf is the kind of problem that a file with a fault is.
func KindOf(fault *files.CorruptError) Kind {
	if fault.Unsupported() {
		return Unsupported
	}
	return Corrupt
}
