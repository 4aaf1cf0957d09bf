package tail

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// board is what a status shows: problems, pauses, and since when something fails.
type board struct {
	*Tail

	backpressure backpressure
	problems     problems
	pulse        pulse

	totals   map[string]*StreamTotals
	unjudged map[string]*commit.Counts // by stream: see judgeStream
}

// Status says where the tail is. It may be called at any time, also before Run.
func (t *Tail) Status() Status {
	waiting := t.board.waiting()
	s := Status{Streams: map[string]StreamTotals{}, Problems: t.board.problems.all(),
		HeldBytes: t.memory.held.Load()}
	if sized, ok := t.spool.(interface{ Size() int64 }); ok {
		s.SpoolBytes = sized.Size()
	}
	paused, why := t.board.backpressure.now()
	s.PausedSeconds, s.Paused = paused.Seconds(), why
	if why == "" && s.HeldBytes > t.config.set().HoldBytes {
		s.Paused = "memory for what is not sealed is full"
	}
	select {
	case <-t.uploader.opened:
		s.Ready = true
	default:
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	s.LastLook, s.OpenFiles = t.scanner.scanned, t.scheduler.descriptors.open
	s.Ready = s.Ready && !t.scanner.scanned.IsZero()
	for name, totals := range t.board.totals {
		s.Streams[name] = totals.clone()
	}
	for _, f := range t.allFiles() {
		t.board.noteUnsealed(f)
		if at := f.unsealed.since; !at.IsZero() && (s.OldestUnsealed.IsZero() || at.Before(s.OldestUnsealed)) {
			s.OldestUnsealed = at
		}
		x := t.board.describe(f, now)
		if key := f.view.key; f.view.state == isActive {
			t.board.addWaiting(&x, waiting[key], key, now)
			delete(waiting, key)
		}
		s.Sources = append(s.Sources, x)
	}
	for key, w := range waiting {
		x := SourceStatus{Stream: key.Table.Stream, Version: key.Table.Version, Origin: key.Origin,
			SID: key.ID, K: w.K, Path: w.Path, Size: w.Sealed.Offset, Read: w.Sealed.Offset,
			Sealed: w.Sealed.Offset, State: "gone"}
		t.board.addWaiting(&x, w, key, now)
		s.Sources = append(s.Sources, x)
	}
	for _, x := range s.Sources {
		if x.Behind > 0 {
			if at := now.Add(-x.Behind); s.OldestUnshipped.IsZero() || at.Before(s.OldestUnshipped) {
				s.OldestUnshipped = at
			}
		}
	}
	slices.SortFunc(s.Sources, compareSources)
	return s
}

// Stuck is since when nothing could be sealed or shipped though something was to be, and why: the zero time
// for no such time. What one file or source is short of does not count, nor a sink that does not answer.
func (t *Tail) Stuck() (since time.Time, why string) { return t.board.pulse.now() }

// LastLook is when the files were last looked at, the zero time before the first look.
func (t *Tail) LastLook() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.scanner.scanned
}

func compareSources(a, b SourceStatus) int {
	return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Origin, b.Origin), bytes.Compare(a.SID[:], b.SID[:]),
		cmp.Compare(a.Path, b.Path))
}

// describe says what is known of a file. Tail.mu is held.
func (b *board) describe(f *logFile, now time.Time) SourceStatus {
	v := &f.view
	key := v.key
	if v.state == isCopy || v.state == isUndecided {
		key = v.about
	}
	x := SourceStatus{Stream: f.stream().Epoch.Stream, Version: f.stream().Epoch.Version, Origin: key.Origin,
		SID: key.ID, K: v.k, Path: f.path, Size: f.stat.Size, Read: v.taken, Sealed: v.sealed,
		Shipped: v.sealed, State: string(v.state)}
	if v.state == isActive && !v.oldest.IsZero() {
		x.Behind = now.Sub(v.oldest)
	}
	x.Size = max(x.Size, x.Read)
	if v.noText {
		x.Size, x.Read = x.Sealed, x.Sealed // nothing of it is to be read
	}
	return x
}

// addWaiting adds what the outbox holds of a source. Tail.mu is held.
func (b *board) addWaiting(x *SourceStatus, w *waitingSource, key source.Key, now time.Time) {
	if w == nil {
		return
	}
	x.Shipped, x.Outbox = w.Shipped, w.Outbox
	if l := b.uploader.lanes[key]; l != nil && w.Outbox > 0 && !l.since.IsZero() {
		x.Behind = max(x.Behind, now.Sub(l.since))
	}
}

// waitingSource is a source with an outbox, as the ledger has it.
type waitingSource struct {
	K       uint64
	Path    string
	Sealed  source.Point
	Shipped int64
	Outbox  int
}

// waiting asks the ledger for the sources that lanes are at.
func (b *board) waiting() map[source.Key]*waitingSource {
	b.mu.Lock()
	var keys []source.Key
	for key, l := range b.uploader.lanes {
		if !l.since.IsZero() {
			keys = append(keys, key)
		}
	}
	b.mu.Unlock()
	all := map[source.Key]*waitingSource{}
	for _, key := range keys {
		src, ok, err := b.Ledger.Get(key)
		if err != nil || !ok || len(src.Outbox) == 0 {
			continue
		}
		all[key] = &waitingSource{src.K, src.Path, src.Sealed, src.Shipped, len(src.Outbox)}
	}
	return all
}

// Status is what a running tail says of itself at one instant. It is a copy: nothing in it
// changes any more.
type Status struct {
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

// count changes the totals of a stream.
func (b *board) count(stream string, change func(*StreamTotals)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.totals[stream]
	if s == nil {
		s = &StreamTotals{Rejects: map[parse.Reason]int64{},
			LostBytes: map[table.LossReason]int64{}, Losses: map[table.LossReason]int64{}}
		b.totals[stream] = s
	}
	change(s)
}

func (b *board) countRead(stream string, n int64) {
	b.count(stream, func(s *StreamTotals) { s.ReadBytes += n })
}

// noteSealed counts a batch.
func (b *board) noteSealed(w *commit.Writer, c commit.Counts) {
	b.board.pulse.beat()
	b.count(w.Key.Table.Stream, func(s *StreamTotals) {
		s.SealedBytes += c.Bytes
		s.Batches++
		s.Objects += c.Objects
		s.Records += c.Records
		s.Rows += c.Rows
		s.Skipped += c.Skipped
		for reason, n := range c.Reasons {
			s.Rejects[reason] += n
		}
	})
	b.judgeSealed(w, c)
	b.Log.Debug("sealed", append(commit.LogSource(w.Key), "path", w.Path, "bytes", c.Bytes,
		"rows", c.Rows, "rejects", c.Rejects)...)
}

// countShipped counts a batch of which the log is to say what is in it.
func (b *board) countShipped(key source.Key, e offsets.Entry, in []any) {
	b.board.pulse.beat()
	b.count(key.Table.Stream, func(s *StreamTotals) { s.ShippedBytes += e.Range.Len() })
	b.Log.Info("shipped", append(append(commit.LogSource(key), "range", e.Range.String()), in...)...)
}

// inBatch says what is in a batch of the spool, or nothing when that cannot be read.
func (b *board) inBatch(e offsets.Entry) []any {
	p, _, err := b.Recovery.Spooled(e.Spool)
	if err != nil || p.Loss != nil {
		return nil
	}
	return []any{"records", p.Records, "rows", p.Rows, "rejects", p.Rejects}
}

func (b *board) countShippedTo(key source.Key, before, after int64) {
	b.count(key.Table.Stream, func(s *StreamTotals) { s.ShippedBytes += max(0, after-before) })
}

func (b *board) countLoss(stream string, reason table.LossReason, atLeast int64) {
	b.count(stream, func(s *StreamTotals) {
		s.Losses[reason]++
		s.LostBytes[reason] += atLeast
	})
}

func (s *StreamTotals) clone() StreamTotals {
	c := *s
	c.Rejects, c.LostBytes, c.Losses = maps.Clone(s.Rejects), maps.Clone(s.LostBytes),
		maps.Clone(s.Losses)
	return c
}

// judgeSealed raises the problems that a sealed batch has with rejects, and clears those that it has no
// longer. A batch past its stream's limit is judged for itself.
func (b *board) judgeSealed(w *commit.Writer, c commit.Counts) {
	b.judgeStream(w, c)
	limit := w.Stream.Rejects
	switch {
	case limit.Exceeded(c.Rejects, c.Records) || c.Records == 0:
	case c.Rows > 0:
		b.board.problems.clear(w.Path, commit.TooManyRejects)
	case !b.board.problems.stands(w.Path, commit.TooManyRejects):
		if why := limit.OfMany(&c); why != "" {
			b.board.problems.raise(commit.Problem{Kind: commit.TooManyRejects, Path: w.Path, Message: why + "; they are in quarantine, and " +
				"`ingest check` shows what does not fit"})
		}
	}
}

// judgeStream judges what is sealed of a stream by as many records as its limit asks for: the batches of a
// tail may all have fewer.
func (b *board) judgeStream(w *commit.Writer, c commit.Counts) {
	stream, limit := w.Key.Table.Stream, w.Stream.Rejects
	b.mu.Lock()
	sum := b.unjudged[stream]
	if sum == nil {
		sum = &commit.Counts{}
		b.unjudged[stream] = sum
	}
	sum.Add(c, 1)
	whole := sum.Records > 0 && sum.Records >= limit.MinRecords
	if whole {
		delete(b.unjudged, stream)
	}
	b.mu.Unlock()
	if !whole {
		return
	}
	name := "stream " + stream
	why := limit.OfMany(sum)
	if why == "" {
		b.board.problems.clear(name, commit.TooManyRejects)
		return
	}
	if !b.board.problems.stands(name, commit.TooManyRejects) {
		b.board.problems.raiseAs(name, commit.Problem{Kind: commit.TooManyRejects, Message: fmt.Sprintf("%s: of what was sealed last, %s; "+
			"they are in quarantine", name, why)})
	}
}

// unsealed remembers since when a file has had bytes that are not sealed, read or not. A byte is never
// taken to be older than the look that saw it first.
type unsealed struct {
	since time.Time // zero for none
	to    int64     // how long the file was then
}

// see notes how long a file is at a look and how far it is sealed.
func (u *unsealed) see(size, sealed int64, now time.Time) {
	switch {
	case sealed >= size:
		*u = unsealed{}
	case u.since.IsZero() || sealed >= u.to:
		*u = unsealed{now, size}
	}
}

// noteUnsealed notes since when a file waits to be sealed. Nothing waits of a file that is left unread by
// rule, and nothing at its end before its last line is whole. Tail.mu is held.
func (b *board) noteUnsealed(f *logFile) {
	v, size := &f.view, f.stat.Size
	if v.noText || v.state == isCopy || v.state == isUndecided || v.state == isRead {
		f.unsealed = unsealed{}
		return
	}
	if v.cut || !f.there {
		size = v.taken
	}
	if v.unended && (v.state == isNew || size <= v.taken) {
		size = v.sealed
	}
	if v.compressed && size > 0 {
		size = math.MaxInt64 // its size says nothing; it waits until it is read to its end
	}
	f.unsealed.see(size, v.sealed, time.Now())
}
