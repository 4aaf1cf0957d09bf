package tail

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// scanner finds the files: it looks at all paths of the streams, and observes what appeared, moved, grew, shrank or went.
type scanner struct {
	*Tail

	watched   func(dirs []string)
	woken     <-chan struct{}
	scanNow   atomic.Bool
	dirs      []string
	scans     int64                 // how many there were
	scanned   time.Time             // the last look's end
	scanBegan time.Time             // the last ended look's begin
	fresh     map[source.Table]bool // tables that had nothing when the tail began
}

// scan finds out what files there are now and has those attended to that have changed. What is an
// error here is of one pattern or path: the others are looked at all the same.
//
// A look that ctx ends, or that meets an error, says nothing of what it did not see.
func (c *scanner) scan(ctx context.Context) {
	now := time.Now()
	c.mu.Lock()
	streams := c.config.streams
	c.mu.Unlock()
	c.scans++
	unread := map[*streamRef][]files.Unread{}
	for _, ref := range streams {
		unread[ref] = c.scanPaths(ctx, ref, now)
	}
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	for _, f := range c.table {
		if f.seen != c.scans && (f.of.removed.Load() || !covered(unread[f.of], f.path)) {
			c.markGone(f, now)
		}
	}
	c.mu.Unlock()
	c.watch(streams)
	c.losses.checkMissing(now)
	c.memory.shortOfMemory()
	c.noteGrowth()
	c.scheduler.endTurns(now)
	c.endFirst()
	c.mu.Lock()
	c.scanned, c.scanBegan = time.Now(), now
	c.mu.Unlock()
}

// markGone notes that a file is at none of its paths. Tail.mu is held.
func (c *scanner) markGone(f *logFile, now time.Time) {
	f.there = false
	if f.goneAt.IsZero() {
		f.goneAt = now
	}
	if f.view.state == isStopped && f.due.After(now) {
		return // it rests
	}
	c.scheduler.schedule(f)
}

func covered(unread []files.Unread, path string) bool {
	return slices.ContainsFunc(unread, func(u files.Unread) bool { return u.Covers(path) })
}

// scanPaths looks at the files of one stream, and tells what could not be read.
func (c *scanner) scanPaths(ctx context.Context, ref *streamRef, now time.Time) []files.Unread {
	s := ref.Load()
	found, unread, err := s.Find(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		unread = append(unread, files.Unread{Path: "/", Err: err})
	}
	c.board.problems.keep(s.Table().String(), unreadProblems(s, unread))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range found {
		c.observe(ref, fileIDOf(s, x.Path, x.Stat), x, now)
	}
	ref.looked = true
	return unread
}

func unreadProblems(s *stream, unread []files.Unread) (all []commit.Problem) {
	for _, u := range unread {
		all = append(all, commit.Problem{Kind: commit.Unreadable, Path: u.Path, Message: fmt.Sprintf("stream %s cannot be followed there: "+
			"%v; fix that; all other files are followed meanwhile", s.Epoch.Stream, u.Err)})
	}
	return all
}

// observe takes note of a file. Tail.mu is held.
func (c *scanner) observe(ref *streamRef, id fileID, x files.Found, now time.Time) {
	f := c.table[id]
	if f == nil {
		f = newLogFile(ref, id, x)
		f.moved, f.seen = now, c.scans
		if !ref.looked {
			f.first = x.Stat.Size
		}
		c.table[id] = f
		c.board.noteUnsealed(f)
		c.scheduler.schedule(f)
		return
	}
	if f.seen == c.scans {
		return // another name of a file
	}
	f.seen = c.scans
	changed := f.stat.Size != x.Stat.Size || f.stat.MtimeNS != x.Stat.MtimeNS
	if changed {
		f.moved = now
	}
	if x.Stat.Size < f.stat.Size {
		f.shrunk = true // what follows may be of another incarnation
	}
	if !f.shrunk && now.After(f.measured) {
		f.most = max(f.most, x.Stat.Size)
	}
	renamed := f.path != x.Path && !c.stillAt(f)
	if renamed {
		c.board.problems.clear(f.path, commit.TooManyRejects)
		f.path, f.renamedAt = x.Path, time.Time{}
		if !f.turn.opened.IsZero() || f.rested != nil && !changed {
			f.renamedAt = now // else its inode may be that of any other file by now
		}
		f.movedAtRest = f.rested != nil && !changed
	}
	back := !f.there
	if back && f.interrupt != nil {
		f.interrupt(commit.ErrAgain) // it may grow after all
	}
	f.stat, f.there, f.goneAt = x.Stat, true, time.Time{}
	if f.view.state == isRead && changed {
		c.shelf.wakeRested(f)
	}
	c.board.noteUnsealed(f)
	if f.view.state == isStopped && f.due.After(now) && !(f.view.noText && changed) {
		return // it rests
	}
	unread := f.view.state == isActive && x.Stat.Size > f.view.taken
	if changed || back || renamed && f.mayEnd() || unread && (x.Stat.Size > f.view.left || c.memory.hasRoom()) {
		c.scheduler.schedule(f)
	}
}

// stillAt reports whether a file's path is still its own. Of several names it keeps the one it had.
func (c *scanner) stillAt(f *logFile) bool {
	stat, err := c.FS.Stat(f.path)
	return err == nil && fileIDOf(f.stream(), f.path, stat) == f.id
}

// watch tells of the folders that are of interest, when they are others than before.
func (c *scanner) watch(streams []*streamRef) {
	if c.watched == nil {
		return
	}
	var dirs []string
	for _, s := range streams {
		if s := s.Load(); s.Dirs != nil {
			dirs = append(dirs, s.Dirs()...)
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	if slices.Equal(dirs, c.dirs) {
		return
	}
	c.dirs = dirs
	c.watched(dirs)
}

// findFresh notes the tables of which neither ledger nor, where that is empty, the sink has
// anything.
func (c *scanner) findFresh(ctx context.Context) error {
	for _, s := range c.config.streams {
		if s := s.Load(); s.StartAtEnd {
			c.fresh[s.Table()] = true
		}
	}
	for table := range c.fresh {
		fresh, err := c.isFirst(table)
		if err != nil {
			return err
		}
		if !fresh {
			delete(c.fresh, table)
		}
	}
	if !c.Ledger.Empty() {
		return nil
	}
	for _, ref := range c.config.streams {
		s := ref.Load()
		if !c.fresh[s.Table()] {
			continue
		}
		origin := source.OriginName(s.Origin)
		if s.OriginPath != nil {
			origin = ""
		}
		some, err := c.Bucket.AnyManifest(ctx, s.Table(), origin)
		if err != nil {
			return err
		}
		if some {
			delete(c.fresh, s.Table())
			continue
		}
		if err := c.noteFirst(s.Table(), true); err != nil {
			return err
		}
	}
	return nil
}

// isFirst reports whether the ledger has nothing of a table, or only what an earlier run got that had not
// come to the end of the table's first files: a tail which is killed meanwhile begins anew with them.
func (c *scanner) isFirst(table source.Table) (bool, error) {
	has, err := c.Ledger.HasTable(table)
	if err != nil || !has {
		return !has, err
	}
	return c.Ledger.FirstLook(table)
}

// noteFirst lets the ledger know that the first files of a table are being looked at, or all were.
func (c *scanner) noteFirst(table source.Table, underWay bool) error {
	if err := c.Ledger.SetFirstLook(table, underWay); err != nil {
		return fmt.Errorf("note the first look in the ledger: %w", err)
	}
	return nil
}

// endFirst notes the tables of whose first files all were told who they are.
func (c *scanner) endFirst() {
	c.mu.Lock()
	var done []source.Table
	for table := range c.fresh {
		if c.fresh[table] && !c.firstOpen(table) {
			delete(c.fresh, table)
			done = append(done, table)
		}
	}
	c.mu.Unlock()
	for _, table := range done {
		if err := c.noteFirst(table, false); err != nil {
			c.failed(err)
		}
	}
}

// firstOpen reports whether a first file of a table still has to be told who it is. Tail.mu is held.
func (c *scanner) firstOpen(table source.Table) bool {
	for _, f := range c.table {
		if f.first == 0 || f.stream().Table() != table {
			continue
		}
		switch f.view.state {
		case isNew, isUnreadable, isStopped:
			return true
		}
	}
	return false
}

// noteGrowth lets the ledger know, in one transaction, which files have more than what is sealed of
// them: if they are gone when it is opened again, so much is known to be lost.
func (c *scanner) noteGrowth() {
	if _, why := c.board.backpressure.now(); why == commit.PausedDisk {
		return // a transaction that fails ends the tail
	}
	if err := c.noteMovesAtRest(); err != nil && !commit.DiskFull(err) {
		c.failed(err)
		return
	}
	grown := c.grownAtRest()
	c.mu.Lock()
	for _, f := range c.table {
		v := &f.view
		if v.state != isActive || v.size <= v.sealed || f.noted > v.sealed {
			continue
		}
		f.noted = v.size
		grown = append(grown, offsets.Sighting{Key: v.key, Serial: v.serial, K: v.k, Path: f.path,
			File: commit.StateOf(f.stat), Size: v.size, Marks: v.marks})
	}
	c.mu.Unlock()
	if len(grown) == 0 {
		return
	}
	// Here a source may have been given up that was read when the lock was held. Its serial number tells.
	if err := c.noteSightings(grown...); err != nil && !commit.DiskFull(err) {
		c.failed(err)
	}
}

func (c *scanner) noteSightings(all ...offsets.Sighting) error {
	if err := c.Ledger.PutSightings(all...); err != nil {
		return fmt.Errorf("note in the ledger how long files are: %w", err)
	}
	return nil
}

// forgetNoted lets the ledger forget that a file was noted to be up to size long, since its source
// turned out to end where it is sealed to. f.mu is held.
func (c *scanner) forgetNoted(f *logFile, size int64) error {
	sealed := f.w.Src.Sealed.Offset
	if size <= sealed {
		return nil
	}
	c.mu.Lock()
	f.noted = size // and is not noted again
	c.mu.Unlock()
	return c.RetryWhileDiskFull(c.ctx, func() error {
		return c.Ledger.ForgetSighting(f.w.Key, source.Range{Start: sealed, End: size})
	})
}

func (c *scanner) notedOf(f *logFile) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f.noted
}

// scanOnce looks at the files while the tail ends, for no longer than the grace lasts.
func (c *scanner) scanOnce() {
	ctx, cancel := context.WithTimeout(c.ctx, c.config.set().Grace)
	defer cancel()
	c.scan(ctx)
}

// scanForCopies looks at the files once more while the tail ends: one was truncated, and what becomes
// of its half line depends on whether there is a copy.
func (c *scanner) scanForCopies() {
	c.scanOnce()
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.ended {
		c.scheduler.schedule(f)
	}
}

// requestScan has all files looked at soon.
func (c *scanner) requestScan() {
	c.scanNow.Store(true)
	c.scheduler.wakeUp()
}
