package tail

import (
	"errors"
	"regexp"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/table"
)

// truncated ends an incarnation of a file. What was read of it is in memory and is sealed, unless it
// turns out to be what a source has from another; what the inode holds now is another file, which the
// next look finds. The file stays open: whoever found it out is in the middle of something. f.mu is
// held.
func (u *follower) truncated(f *logFile) {
	u.mu.Lock()
	f.cut, f.goneAt = true, time.Now()
	if f.shrunk { // until then what the looks saw was of this incarnation
		f.lastSize = max(f.lastSize, f.most)
	}
	if u.table[f.id] == f {
		delete(u.table, f.id)
	}
	u.ended[f] = true
	u.resolver.scheduleGroup(f.group, f)
	f.again = true
	u.mu.Unlock()
	u.Log.Info("a file was truncated", "path", f.live.Path(), "read", f.live.Taken(),
		"had", f.lastSize)
	u.scanner.requestScan()
}

// finish lets a file go that can no longer grow, once all that was read of it is sealed. What it is
// known to have held beyond that is missing. f.mu is held.
func (u *follower) finish(f *logFile) error {
	if f.w == nil {
		u.letGo(f)
		return nil
	}
	sealed := f.w.Src.Sealed.Offset
	if f.live.Taken() > sealed && !f.hollow && !(f.hadMore() && f.tried == f.live.Taken()) {
		return nil
	}
	if !f.cut {
		stat, err := f.live.Look()
		if err != nil {
			return err
		}
		if stat.Size > sealed {
			return nil // reading is paused
		}
	}
	if err := f.w.Shipper.Refresh(); err != nil {
		return err
	}
	sealed = f.w.Src.Sealed.Offset
	if needs, err := f.w.NeedsFileToBegin(); !f.cut && needs || err != nil {
		return err // who it is may have to be asked again before it ships
	}
	if len(f.w.Src.Lost) > 0 && !f.cut && !u.uploader.isStuck(f.w.Key) {
		return nil // its lane takes that back
	}
	if len(f.w.Src.Outbox) > 0 && !f.cut && u.uploader.laneWants(f.w.Key) {
		return nil // and needs it to go back
	}
	key, serial := f.w.Key, f.w.Src.Serial
	reason, atLeast := table.Deleted, f.w.Src.Highest
	if f.cut {
		reason, atLeast = table.Truncated, max(atLeast, f.lastSize)
	}
	u.active.release(f)
	if atLeast > sealed {
		u.losses.miss(key, newMissing(time.Now(), reason, atLeast,
			offsets.Sighting{Serial: serial, Path: f.live.Path(), Size: u.scanner.notedOf(f)}))
	}
	u.Log.Info("closed", append(commit.LogSource(key), "path", f.live.Path(), "at", sealed)...)
	u.letGo(f)
	return nil
}

// isGone reports whether a file is at no path any more and can no longer grow. f.mu is held.
func (u *follower) isGone(f *logFile) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return f.final && (f.cut || !f.there)
}

// letGo drops a file from the table and closes it. f.mu is held.
func (u *follower) letGo(f *logFile) {
	u.active.release(f)
	u.memory.closeFile(f)
	f.dropped = true
	u.board.pulse.settled(f)
	u.memory.held.Add(-f.heldNow)
	f.heldNow = 0
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.table[f.id] == f {
		delete(u.table, f.id)
	}
	delete(u.ended, f)
	u.scheduler.leaveQueue(f)
	if f.view.state == isRead {
		u.shelf.fetch(f)
	}
	u.resolver.scheduleGroup(f.group, f)
	u.resolver.leave(f)
	u.scheduler.dueBy(f, time.Time{})
	u.board.problems.clear(f.path)
}

// A file whose path is no longer the one that is written ends as it is once nobody has written to it for
// close_wait: its last line is taken for a record though no newline ends it. Should it go on after all, what
// comes up to the next newline is a reject.

// unendedAt is how far a file was read, and when it was renamed.
type unendedAt struct {
	taken   int64
	renamed time.Time
}

// mayEnd reports whether the last line of a file is not ended, as far as it is known. Tail.mu is held.
func (f *logFile) mayEnd() bool { return f.view.unended || f.rested.unended(f.stat) }

// unended reports whether a file that is this long had more when it rested than is sealed of it.
func (r *restedAs) unended(stat files.Stat) bool { return r != nil && stat.Size > r.sealed }

// endsAt is when the last line of a file is taken for all of it, if its path is not the one that is written:
// who was told to write elsewhere may still have some of it. Tail.mu is held.
func (u *follower) endsAt(f *logFile) time.Time {
	quiet := f.lastWrite()
	if f.renamedAt.After(quiet) {
		quiet = f.renamedAt
	}
	return quiet.Add(u.config.set().CloseWait)
}

// endUnasked reports whether it is still to be found out whether the last line of a file goes on. Both locks are
// held.
func (f *logFile) endUnasked() bool {
	taken := f.live.Taken()
	return !f.cut && !f.hollow && f.tried == taken && taken > f.w.Src.Sealed.Offset &&
		f.endAsked != unendedAt{taken, f.renamedAt}
}

// cutEnded seals all that is there of a file when that is all that is to come, and its last line is not ended.
// It asks once each time that the file was written to or renamed. f.mu is held.
func (u *follower) cutEnded(f *logFile) (bool, error) {
	taken := f.live.Taken()
	u.mu.Lock()
	asks := f.there && f.endUnasked() && !time.Now().Before(u.endsAt(f))
	now := unendedAt{taken, f.renamedAt}
	u.mu.Unlock()
	if !asks || u.uploader.isWaiting(f.w) {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil || stat.Size != taken {
		return false, err // if it is longer the next look finds it
	}
	f.endAsked = now
	if now.renamed.IsZero() && !u.hasSuccessor(f, f.pathBefore()) && !u.hasSuccessor(f, unnumbered(f.live.Path())) {
		return false, nil
	}
	more, err := u.cutAsEnded(f, taken)
	if err != nil {
		f.endAsked = unendedAt{}
	}
	return more, err
}

// pathBefore is where the file was when its source was sealed last, empty when that was another file. f.mu is
// held.
func (f *logFile) pathBefore() string {
	if s := f.w.Src; s.File.Dev == f.id.dev && s.File.Inode == f.id.inode {
		return s.Path
	}
	return ""
}

// hasSuccessor reports whether there is another file at a path that a file had, or has its name from.
func (u *follower) hasSuccessor(f *logFile, path string) bool {
	if path == "" || path == f.live.Path() {
		return false
	}
	stat, err := u.FS.Stat(path)
	return err == nil && fileIDOf(f.stream(), path, stat) != f.id
}

// number is how rotation marks a name: app.log.1, app.log-20240115, app.log.2024-01-15.
var number = regexp.MustCompile(`[.-][0-9][0-9.-]*$`)

// unnumbered is the path that a rotated file had, by its name; empty for none.
func unnumbered(path string) string {
	at := number.FindStringIndex(path)
	if at == nil {
		return ""
	}
	return path[:at[0]]
}

// cutAsEnded seals up to an end as if the file ended there. f.mu is held.
func (u *follower) cutAsEnded(f *logFile, end int64) (bool, error) {
	ctx, done := u.mayInterrupt(f)
	defer done()
	endTurn, err := u.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	f.w.Cutter.OnEncoded = endTurn
	more, err := u.withView(f, end, true, func() (bool, error) { return f.w.Cutter.Cut(ctx) })
	if err != nil || !more {
		return false, err
	}
	f.joining = joining{}
	return true, u.resume(f)
}

// joining is a record of several lines at the end of a file whose last part has not come.
type joining struct {
	from  int64 // where it begins: the sealed offset
	end   int64 // where the lines end that are there of it; 0 for none
	since time.Time
}

// joinWait is how long such a record waits for its last part. Who writes the parts writes them at
// once; what is left after so long belongs to a writer that died.
const joinWait = time.Minute

// over reports whether it has waited long enough.
func (j joining) over(now time.Time) bool {
	return j.end > 0 && !now.Before(j.since.Add(joinWait))
}

// noteJoining keeps since when the record at the sealed offset has been open. f.mu is held.
func (u *follower) noteJoining(f *logFile) {
	at, end := f.w.Src.Sealed.Offset, f.w.Cutter.OpenRecord
	switch {
	case end <= at:
		f.joining = joining{}
	case f.joining.end == 0 || f.joining.from != at:
		f.joining = joining{at, end, time.Now()}
	default:
		f.joining.end = end
	}
}

// endJoining seals a record that has waited long enough as far as it is there: that ends its range.
// f.mu is held.
func (u *follower) endJoining(f *logFile) (bool, error) {
	if !f.joining.over(time.Now()) {
		return false, nil
	}
	return u.cutAsEnded(f, f.joining.end)
}

// learnLine is that of a file that is followed, as soon as its owner goes on at another offset: what is
// in memory may soon be all that is left of it. f.mu is held.
func (u *follower) learnLine(f *logFile) error {
	at := f.w.Src.Sealed.Offset
	if f.w.Src.Sealed.Line != commit.UnknownLine || f.cut && f.live.Taken() <= at {
		return nil
	}
	_, err := u.withView(f, at, false, func() (bool, error) { return false, f.w.LearnLine(u.ctx) })
	if f.cut || !errors.As(err, new(*files.ShrunkError)) {
		return err
	}
	u.truncated(f)
	return nil
}
