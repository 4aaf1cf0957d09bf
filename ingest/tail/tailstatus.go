package tail

import (
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// TailStatus is what a running tail says of itself at one instant. It is a copy: nothing in it
// changes any more.
type TailStatus struct {
	// Ready says that the first look at all files is done and that the sink was reached.
	Ready bool
	// LastLook is when the last look at all files ended; zero before the first one has.
	LastLook time.Time
	// Sources are those that are followed and those whose batches wait to be shipped, sorted by
	// stream, version, origin and ID.
	Sources []SourceStatus
	// Streams are the totals since the start, by stream.
	Streams    map[string]StreamTotals
	SpoolBytes int64 // that the spool holds
	HeldBytes  int64 // of memory, for what was read and is not sealed
	// OldestUnshipped is when the oldest batch of an outbox was sealed, or the oldest byte that is
	// not sealed was read, whichever was first; zero when all is shipped.
	OldestUnshipped time.Time
	// OldestUnsealed is since when the bytes that have waited longest to be sealed are known to be in a
	// file, read or not; zero for none. A line that is not ended does not count, nor what is left unread by
	// rule.
	OldestUnsealed time.Time
	// PausedSeconds is for how long reading has been paused in all; Paused is why it is now, empty
	// when it is not.
	PausedSeconds float64
	Paused        string
	OpenFiles     int
	Problems      []commit.Problem // those that still stand
}

// SourceStatus is where one source of a running tail is.
type SourceStatus struct {
	Stream  string
	Version int
	Origin  string // empty for none
	SID     source.ID
	K       uint64
	Path    string // where its file was last seen
	// Size is how long the file is. Read, Sealed and Shipped are how far it was read into memory,
	// is on the local disk and is in the sink. A compressed file does not tell its Size: then it is
	// as Read.
	Size, Read, Sealed, Shipped int64
	Outbox                      int           // batches sealed and not shipped
	Behind                      time.Duration // age of the oldest byte that is not shipped
	// State is live, copy, undecided, waiting, read, gone, stopped or unreadable. A plain file that is read was
	// closed to make room for others, and is looked at again when it changes.
	State string
}

// StreamTotals are the counts of one stream since the start.
type StreamTotals struct {
	ReadBytes, SealedBytes, ShippedBytes int64 // decompressed
	Batches, Objects                     int64 // sealed
	Records, Rows                        int64
	Skipped                              int64 // lines
	Rejects                              map[parse.Reason]int64
	LostBytes                            map[table.LossReason]int64 // at least
	Losses                               map[table.LossReason]int64 // that were declared
}
