package tail

import (
	"context"
	"sync/atomic"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
)

// scanner finds the files: it looks at all paths of the streams, and observes what appeared, moved, grew, shrank or went.
type scanner struct {
	*Tail

	watched   func(dirs []string)
	woken     <-chan struct{}
	lookNow   atomic.Bool
	dirs      []string
	looks     int64                 // how many there were
	looked    time.Time             // the last look's end
	lookBegan time.Time             // the last ended look's begin
	fresh     map[source.Table]bool // tables that had nothing when the tail began
}

// scheduler decides which file is attended to and when, and which files are open: a file has one goroutine at a time.
type scheduler struct {
	*Tail

	wake        chan struct{}      // a deadline may have come nearer
	waitingFor  map[*followed]bool // files that are due at some time
	busy        int                // goroutines that attend to files
	descriptors descriptors
}

// resolver finds out which source a file is, by its bytes, the ledger, the sink and the files that are followed.
type resolver struct {
	*Tail

	sinkOff atomic.Int64 // until when, in Unix ns, the sink is not asked who a file is
	groups  map[source.Key]*headGroup
}

// activeFiles knows which file each source is read from. A source has one active file at most.
type activeFiles struct {
	*Tail

	owners map[source.Key]*followed
}

// uploader ships the batches of each source in their order, one source a lane, and backs off.
type uploader struct {
	*Tail

	ships    context.Context // of what ships: when the tail ends the grace is its end
	endShips context.CancelFunc
	puts     chan struct{} // holds one for each source that is being shipped
	again    commit.Turn   // taken while a lost range is sealed again
	opened   chan struct{} // closed once the sink was reached and is the ledger's
	lanes    map[source.Key]*lane
	waiters  map[source.Key][]source.Key // sources that wait for another one to ship, by that one
	refused  refused
}

// losses knows the bytes that were seen and that nobody can read now, and declares them lost when nobody can any more.
type losses struct {
	*Tail

	missing map[source.Key]*missingSource
}

// memory reads files into memory, within the budget of all files together.
type memory struct {
	*Tail

	reads chan struct{} // holds one for each file that is being read
	held  atomic.Int64  // bytes of memory that hold what is not sealed
}

// follower does what there is to do about one file: opens, reads, seals and ends it.
type follower struct {
	*Tail
}

// archives reads compressed files, once each.
type archives struct {
	*Tail

	unpack chan struct{} // likewise for compressed ones, which take more memory
}

// shelf keeps files that are closed: compressed ones that were read, and plain ones that rest.
type shelf struct {
	*Tail

	away map[source.Key]map[*followed]bool // files that were read to their end
}

// accounts counts what was read, sealed, shipped, rejected and lost.
type accounts struct {
	*Tail

	totals   map[string]*StreamTotals
	unjudged map[string]*commit.Counts // by stream: see judgeStream
}

// configured is the streams as they are followed now, and what is accepted of them.
type configured struct {
	*Tail

	noting  func() error // the config's NoteOrigin
	timing  atomic.Pointer[timing]
	streams []*streamRef
}

// board is what a status shows: problems, pauses, and since when something fails.
type board struct {
	*Tail

	paused  pauses
	notices notices
	pulse   pulse
}
