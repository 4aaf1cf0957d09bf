package pipeline

import (
	"time"

	"logseal/ingest/seal"
)

// truncated ends an incarnation of a file. What was read of it is in memory and is sealed; what the
// inode holds now is another file, which the next look finds. f.mu is held.
func (t *Tail) truncated(f *followed) {
	t.mu.Lock()
	f.cut, f.goneAt = true, time.Now()
	if f.shrunk { // until then what the looks saw was of this incarnation
		f.lastSize = max(f.lastSize, f.most)
	}
	if t.table[f.id] == f {
		delete(t.table, f.id)
	}
	t.ended[f] = true
	unread := f.view.standing == isCopy || f.view.standing == isUndecided
	t.rouse(f.group, f)
	f.again = true
	t.mu.Unlock()
	t.Log.Info("a file was truncated", "path", f.live.Path(), "read", f.live.Taken(),
		"had", f.lastSize)
	if unread {
		t.letGo(f) // what it said is read from another
	}
	t.nudgeLook()
}

// finish lets a file go that can no longer grow, once all that was read of it is sealed. What it is
// known to have held beyond that is missing. f.mu is held.
func (t *Tail) finish(f *followed) error {
	if f.w == nil {
		t.letGo(f)
		return nil
	}
	sealed := f.w.src.Sealed.Offset
	if f.live.Taken() > sealed && !(f.goesOn() && f.tried == f.live.Taken()) {
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
	if err := f.w.refresh(); err != nil {
		return err
	}
	if f.w.needsFile() && !f.cut && len(f.w.src.Outbox) > 0 {
		return nil // who it is may have to be asked again before it ships
	}
	if len(f.w.src.Lost) > 0 && !f.cut && !t.isStuck(f.w.key) {
		return nil // its lane takes that back
	}
	key := f.w.key
	t.disown(f)
	if f.cut && f.lastSize > sealed {
		t.miss(key, &missingSource{since: time.Now(), reason: seal.Truncated, atLeast: f.lastSize,
			seen: sighting{path: f.live.Path()}})
	}
	t.Log.Info("let go", append(logSource(key), "path", f.live.Path(), "at", sealed)...)
	t.letGo(f)
	return nil
}

// isGone tells whether a file is at no path any more and can no longer grow. f.mu is held.
func (t *Tail) isGone(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.final && (f.cut || !f.there)
}

// letGo drops a file from the table and closes it. f.mu is held.
func (t *Tail) letGo(f *followed) {
	t.disown(f)
	f.closeFile()
	f.dropped = true
	t.held.Add(-f.heldNow)
	f.heldNow = 0
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.table[f.id] == f {
		delete(t.table, f.id)
	}
	delete(t.ended, f)
	t.rouse(f.group, f)
	t.leave(f)
	t.dueBy(f, time.Time{})
	t.notices.clear(f.path)
}
