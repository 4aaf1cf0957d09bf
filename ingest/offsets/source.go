package offsets

import (
	"cmp"
	"fmt"
	"slices"

	"logseal/ingest/source"
)

// Source is what the ledger knows of one source.
type Source struct {
	// Serial tells apart the sources that have the same key one after the other. Update sets it when
	// it makes a source, and never gives a number twice. Its fn finds 0 where there is no source yet.
	Serial uint64
	// K is the number that the source's ID was made with.
	K uint64
	// Path is where the source was last seen.
	Path string
	// File is the state of the file at Path when it was last read from. Of one that is followed the
	// size is the largest that was seen.
	File FileState
	// Marker is the SHA-256 of the last KiB, or less, before the sealed offset.
	Marker source.Digest

	// Sealed is where the last sealed batch ends: everything before it is in the sink or in Outbox.
	Sealed source.Point
	// Shipped is where the contiguous prefix that the sink has committed ends.
	Shipped int64
	// LastStart is the start of the last shipped batch, -1 before the first.
	LastStart int64
	// Highest is the highest end that was ever sealed. It stays when another writer's shorter
	// batch wins and the sealed offset falls back, so that what is missing up to there is known, and
	// falls back itself once that was declared lost. Update raises it by itself.
	Highest int64
	// OpenEnd says that the last sealed batch ends inside a line, because its file ended there.
	OpenEnd bool
	// Outbox holds the batches sealed but not shipped, in order. Together they are the range
	// [Shipped, Sealed.Offset) without gap or overlap.
	Outbox []Entry

	// LowerRefuted says that the manifests of every lower k refute this source: that stays so, and is
	// asked once.
	LowerRefuted bool
	// Head is what the source begins with, while nothing of it is shipped: by it the sources with a
	// lower k are named. Nil when that is not known or no longer of interest.
	Head []byte
	// Barrier is the start of a manifest that is already in the sink and that no cut may pass, 0
	// for none.
	Barrier int64
	// Lost are ranges before Shipped that were declared lost, in order, for when a file turns up that
	// has them.
	Lost []source.Range

	ends  []End        // queued by AddEnd
	files []FileRecord // queued by PutFile
}

// AddEnd lets the Update in progress also store e's chain as proof of the bytes before it: a batch
// ends there, or it is a mark within one. That an end is known already with this chain is no error;
// with another it fails the Update.
func (s *Source) AddEnd(e End) { s.ends = append(s.ends, e) }

// AddLost notes a range that was declared lost.
func (s *Source) AddLost(r source.Range) {
	if !slices.Contains(s.Lost, r) {
		s.Lost = append(slices.Clone(s.Lost), r)
	}
	slices.SortFunc(s.Lost, func(a, b source.Range) int { return cmp.Compare(a.Start, b.Start) })
}

// PutFile lets the Update in progress also remember a file, as Ledger.PutFile does.
func (s *Source) PutFile(f FileRecord) { s.files = append(s.files, f) }

// Queued gives what AddEnd and PutFile queued, for whoever keeps sources elsewhere than in bbolt.
func (s *Source) Queued() ([]End, []FileRecord) { return s.ends, s.files }

// newSource is what Update gives to its fn when there is none yet.
func newSource() *Source { return &Source{Sealed: source.Origin(), LastStart: -1} }

// Validate returns an error unless s keeps the rules that its fields' docs state.
func (s *Source) Validate() error {
	switch {
	case s.Shipped < 0 || s.Shipped > s.Sealed.Offset:
		return fmt.Errorf("shipped offset %d is not within the sealed %d", s.Shipped, s.Sealed.Offset)
	case s.Highest < s.Sealed.Offset:
		return fmt.Errorf("highest end %d is below the sealed offset %d", s.Highest, s.Sealed.Offset)
	case s.LastStart < -1 || s.LastStart >= 0 && s.LastStart >= s.Shipped:
		return fmt.Errorf("last shipped batch starts at %d, not before the shipped offset %d",
			s.LastStart, s.Shipped)
	case s.Barrier < 0:
		return fmt.Errorf("barrier %d is negative", s.Barrier)
	}
	for _, r := range s.Lost {
		if r.Start < 0 || r.End <= r.Start || r.End > s.Shipped {
			return fmt.Errorf("lost range %v is not before the shipped offset %d", r, s.Shipped)
		}
	}
	at := s.Shipped
	for _, e := range s.Outbox {
		if e.Range.Start != at || e.Range.End <= at {
			return fmt.Errorf("outbox entry %v does not follow on %d", e.Range, at)
		}
		at = e.Range.End
	}
	if at != s.Sealed.Offset {
		return fmt.Errorf("outbox ends at %d, sealed offset is %d", at, s.Sealed.Offset)
	}
	return nil
}

// Entry is a sealed batch that the sink has not acknowledged.
type Entry struct {
	Range source.Range
	Seal  source.Seal
	// Spool is the batch's name in the spool.
	Spool string
	// State and Rest are the source's at the end of the range: with them the batch can be declared
	// lost.
	State source.ChainState
	Rest  source.Carry
}

// End is an offset of a source with the chain of all bytes before it.
type End = source.Mark

// FileState is what tells, without reading it, that a file is unchanged.
type FileState struct {
	Dev     uint64 `json:"dev"`
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	MtimeNS int64  `json:"mtime_ns"`
	CtimeNS int64  `json:"ctime_ns"`
	Version string `json:"version,omitempty"` // of an object in a bucket: its ETag
}
