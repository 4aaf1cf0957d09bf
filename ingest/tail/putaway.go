package tail

import (
	"time"

	"logseal/ingest/source"
)

// Compressed files that were read to their end are put away: closed, and not read again while they stay
// as they are. What they hold is in the sink, or waits in the spool. Should the spool lose it they are
// wanted again.

// putAway puts a file away that was proved to be a source up to an offset. f.mu is held.
func (h *shelf) putAway(f *followed, is source.Key, upTo int64) {
	h.memory.closeFile(f)
	h.mu.Lock()
	f.final, f.wanted = false, false
	f.view = fileView{standing: isRead, about: is, reach: upTo}
	h.scheduler.dueBy(f, time.Time{})
	if h.away[is] == nil {
		h.away[is] = map[*followed]bool{}
	}
	h.away[is][f] = true
	there := f.there
	h.mu.Unlock()
	if !there {
		h.follower.letGo(f)
	}
}

// mayStayClosed tells whether the tail ends and a file was read that is put away.
func (h *shelf) mayStayClosed(f *followed) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ending && f.there && f.view.standing == isRead
}

// fetch takes a file out of those that are put away. Tail.mu is held.
func (h *shelf) fetch(f *followed) {
	is := f.view.about
	delete(h.away[is], f)
	if len(h.away[is]) == 0 {
		delete(h.away, is)
	}
	f.view = fileView{standing: isNew}
}

// readAgain has the files of a source read again that were put away.
func (h *shelf) readAgain(key source.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.away[key] {
		h.fetch(f)
		h.scheduler.kick(f)
	}
}

// askKnown has the files read again that were put away and may have what is missing of a source, each
// once; false when there are none. They have if they hold all that is sealed of it.
func (h *shelf) askKnown(key source.Key, m *missingSource, sealed int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	some := false
	for f := range h.away[key] {
		if m.asked[f] || f.view.reach < sealed || f.view.reach == sealed && !m.unsent {
			continue
		}
		m.asked[f], some, f.wanted = true, true, true
		h.fetch(f)
		h.scheduler.kick(f)
	}
	return some
}

// isWanted tells whether a file is to be read though it was read before.
func (h *shelf) isWanted(f *followed) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return f.wanted
}

// laneWants tells whether a source could not be shipped for want of its file.
func (u *uploader) laneWants(key source.Key) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lanes[key]
	return l != nil && l.wants
}

// setLaneWants notes that it could not, or that its lane has a file in hand.
func (u *uploader) setLaneWants(key source.Key, wants bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.lanes[key]; l != nil {
		l.wants = wants
	}
}
