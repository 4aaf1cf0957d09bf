package tail

import (
	"context"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/follow"
	"logseal/ingest/source"
)

// fileID is what makes a file the same one through renames: hard links, second mounts and symbolic
// links are one file. What has no inode has no second name.
type fileID struct {
	stream     string // its table
	dev, inode uint64
	path       string
}

func fileIDOf(s *stream, path string, stat files.Stat) fileID {
	if stat.Inode == 0 {
		return fileID{stream: s.Table().String(), path: path}
	}
	return fileID{stream: s.Table().String(), dev: stat.Dev, inode: stat.Inode}
}

// logFile is one incarnation of a file: what an inode holds until it is truncated. Its parts are told by who
// changes them.
type logFile struct {
	id fileID
	of *streamRef

	// Guarded by Tail.mu.
	sighted
	planned
	identified

	// final says that it can no longer grow. Whoever holds both locks changes it, so that either is enough to
	// read it: who works on the file goes by it, and so does an uploader, which knows the file by the table alone.
	final bool

	mu commit.Turn // guards what follows: whoever works on the file holds it
	opened
	sealing
}

// sighted is what the scanner has seen of a file.
type sighted struct {
	path      string     // where it was last seen
	stat      files.Stat // as of the last look
	shrunk    bool       // a look found it shorter than the one before
	most      int64      // the largest size that a look saw of this incarnation
	measured  time.Time  // when its first bytes were read: a look that began before may have seen another
	seen      int64      // the look that found it last
	renamedAt time.Time  // when a look found it at another path than before
	there     bool       // the last look found it
	goneAt    time.Time  // since when it is not there
	moved     time.Time  // when a look last found that it had changed
	noted     int64      // how long the ledger knows it to be
	// movedAtRest says that it was renamed while it rests, and the ledger does not know it yet.
	movedAtRest bool
}

// planned is what the scheduler has to do with a file.
type planned struct {
	interrupt context.CancelCauseFunc // ends a cut that is under way; nil for none
	waited    int                     // how many lanes wait for the file
	busy      bool                    // a goroutine attends to it
	again     bool                    // and is to look at it once more
	due       time.Time               // when it wants to be attended to, if nothing else happens before
	squeezed  bool                    // it is to be sealed because memory is short
	unsealed  unsealed                // since when it waits to be sealed
	turn      fileTurn
}

// identified is what is known of who a file is.
type identified struct {
	wanted bool       // it is to be read though it was read before
	asked  time.Time  // when the sink was last asked about it, while it was left unread
	stale  bool       // the source that it is read as gave its id up
	group  *headGroup // of its head; nil before that is known
	view   fileView   // what a status shows
	rested *restedAs  // what it was before it rested; nil since it was told again who it is
}

// opened is a file as whoever works on it has it open.
type opened struct {
	live     *follow.File
	dropped  bool      // nobody is to attend to it any more
	missed   bool      // it was not at its path when it was to be opened
	direct   bool      // what is there of it is sealed straight from the file
	cut      bool      // it was truncated: only what is held is left of it
	first    int64     // how long it was when its stream's files were first found; 0: not among them
	size     int64     // of the file, as it was found last
	lastSize int64     // the largest size that was seen of it
	arrived  arrivals  // when the bytes that are not sealed were read
	from     int64     // from where on what was read is in memory
	left     int64     // nothing could be sealed of it when it was this long, so it was not kept; 0 none
	short    time.Time // since when what is there is not read for want of memory
	heldNow  int64     // its part of memory.held
}

// sealing is how far a file is sealed as a source.
type sealing struct {
	w        *commit.Writer // nil until it is an owner
	hollow   bool           // what is held of a truncated file does not go on where it is sealed
	at       source.Point   // of the source: up to where the file is known to be what is sealed of it
	joining  joining        // its last record, when that lacks its last part
	tried    int64          // nothing could be sealed of it when it was read up to here, -1 none
	endAsked unendedAt      // when it was last asked whether its last line goes on
	owes     *missingSource // what was missing of its source when it became the owner; nil for nothing
	against  heldAgainst
	cannot   tooShort
}

// newLogFile is a file that nobody has opened yet.
func newLogFile(of *streamRef, id fileID, x files.Found) *logFile {
	return &logFile{id: id, of: of, mu: commit.NewTurn(),
		sighted:    sighted{path: x.Path, stat: x.Stat, most: x.Stat.Size, there: true},
		identified: identified{view: fileView{state: isNew}}, sealing: sealing{tried: -1}}
}

// stream is how the file is followed and read now.
func (f *logFile) stream() *stream { return f.of.Load() }

// fileView is what the director and a status know of a file that somebody works on.
type fileView struct {
	state  state
	key    source.Key
	k      uint64
	marks  []source.Mark // early ones of an owner
	serial uint64        // of the source, 0 before anything of it is sealed
	about  source.Key    // of a copy, an undecided file or one that is put away: of which source
	taken  int64
	sealed int64
	oldest time.Time // when the first byte that is not sealed was read
	held   int64
	// unended says that what was read and is not sealed is less than a record.
	unended    bool
	noText     bool // what it holds is no log
	cut        bool // it was truncated
	compressed bool
	bound      bool         // what it holds can neither be sealed nor let go of now
	reach      int64        // of a file that is put away: how far it holds its source
	left       int64        // so far nothing of it need be read while memory is short
	live       *follow.File // of an owner
	head       []byte
	size       int64 // as far as the live file goes
}

// hadMore reports whether the file is known to have held more than what was read of it, so that a half
// line at the end of that is no last line. f.mu is held.
func (f *logFile) hadMore() bool { return f.cut && f.lastSize > f.live.Taken() }

// allFiles lists the files in the table and those that have left it. Tail.mu is held.
func (t *Tail) allFiles() []*logFile {
	all := make([]*logFile, 0, len(t.table)+len(t.ended))
	for _, f := range t.table {
		all = append(all, f)
	}
	for f := range t.ended {
		all = append(all, f)
	}
	return all
}

func (t *Tail) pathOf(f *logFile) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.path
}

// stoppedWait is how long a file that could not be gone on with is left alone.
const stoppedWait = 10 * time.Second

// haltedWait is how long one rests whose batch has too many rejects: only a reload helps, and to find
// them again takes all the work of sealing.
const haltedWait = 10 * time.Minute

// arrivals remembers when the bytes that are not sealed were read, roughly: a byte is never taken
// to be younger than it is.
type arrivals struct {
	marks []arrival
}

// arrival says that what follows off was read at or after at.
type arrival struct {
	off int64
	at  time.Time
}

// arrivalsMax bounds how many times are told apart within one batch.
const arrivalsMax = 16

// add notes that bytes from off on were read at the time at; maxAge is how old they may become.
func (a *arrivals) add(off int64, at time.Time, maxAge time.Duration) {
	if n := len(a.marks); n > 0 && at.Sub(a.marks[n-1].at) < maxAge/arrivalsMax {
		return
	}
	a.marks = append(a.marks, arrival{off, at})
}

// sealed forgets what is before off.
func (a *arrivals) sealed(off int64) {
	i := 0
	for i+1 < len(a.marks) && a.marks[i+1].off <= off {
		i++
	}
	a.marks = append(a.marks[:0], a.marks[i:]...)
}

// oldest is when the first byte at or after off was read, given that there is one.
func (a *arrivals) oldest() time.Time {
	if len(a.marks) == 0 {
		return time.Time{}
	}
	return a.marks[0].at
}

func (a *arrivals) reset() { a.marks = nil }
