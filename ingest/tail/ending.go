package tail

import (
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/table"
)

// truncated ends an incarnation of a file. What was read of it is in memory and is sealed, unless it
// turns out to be what a source has from another; what the inode holds now is another file, which the
// next look finds. The file stays open: whoever found it out is in the middle of something. f.mu is
// held.
func (u *follower) truncated(f *followed) {
	u.mu.Lock()
	f.cut, f.goneAt = true, time.Now()
	if f.shrunk { // until then what the looks saw was of this incarnation
		f.lastSize = max(f.lastSize, f.most)
	}
	if u.table[f.id] == f {
		delete(u.table, f.id)
	}
	u.ended[f] = true
	u.resolver.rouse(f.group, f)
	f.again = true
	u.mu.Unlock()
	u.Log.Info("a file was truncated", "path", f.live.Path(), "read", f.live.Taken(),
		"had", f.lastSize)
	u.scanner.nudgeLook()
}

// finish lets a file go that can no longer grow, once all that was read of it is sealed. What it is
// known to have held beyond that is missing. f.mu is held.
func (u *follower) finish(f *followed) error {
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
	if err := f.w.Refresh(); err != nil {
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
	u.active.disown(f)
	if atLeast > sealed {
		u.losses.miss(key, newMissing(time.Now(), reason, atLeast,
			offsets.Sighting{Serial: serial, Path: f.live.Path(), Size: u.scanner.notedOf(f)}))
	}
	u.Log.Info("let go", append(commit.LogSource(key), "path", f.live.Path(), "at", sealed)...)
	u.letGo(f)
	return nil
}

// isGone tells whether a file is at no path any more and can no longer grow. f.mu is held.
func (u *follower) isGone(f *followed) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return f.final && (f.cut || !f.there)
}

// letGo drops a file from the table and closes it. f.mu is held.
func (u *follower) letGo(f *followed) {
	u.active.disown(f)
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
	if f.view.standing == isRead {
		u.shelf.fetch(f)
	}
	u.resolver.rouse(f.group, f)
	u.resolver.leave(f)
	u.scheduler.dueBy(f, time.Time{})
	u.board.notices.clear(f.path)
}
