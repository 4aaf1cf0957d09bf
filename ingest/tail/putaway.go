package tail

import (
	"time"

	"logseal/ingest/source"
)

// Compressed files that were read to their end are put away: closed, and not read again while they stay
// as they are. What they hold is in the sink, or waits in the spool. Should the spool lose it they are
// wanted again.

// putAway puts a file away that was proved to be a source up to an offset. f.mu is held.
func (t *Tail) putAway(f *followed, is source.Key, upTo int64) {
	t.closeFile(f)
	t.mu.Lock()
	f.final, f.wanted = false, false
	f.view = fileView{standing: isRead, about: is, reach: upTo}
	t.dueBy(f, time.Time{})
	if t.away[is] == nil {
		t.away[is] = map[*followed]bool{}
	}
	t.away[is][f] = true
	there := f.there
	t.mu.Unlock()
	if !there {
		t.letGo(f)
	}
}

// mayStayClosed tells whether the tail ends and a file was read that is put away.
func (t *Tail) mayStayClosed(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending && f.there && f.view.standing == isRead
}

// fetch takes a file out of those that are put away. Tail.mu is held.
func (t *Tail) fetch(f *followed) {
	is := f.view.about
	delete(t.away[is], f)
	if len(t.away[is]) == 0 {
		delete(t.away, is)
	}
	f.view = fileView{standing: isNew}
}

// readAgain has the files of a source read again that were put away.
func (t *Tail) readAgain(key source.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.away[key] {
		t.fetch(f)
		t.kick(f)
	}
}

// askKnown has the files read again that were put away and may have what is missing of a source, each
// once; false when there are none. They have if they hold all that is sealed of it.
func (t *Tail) askKnown(key source.Key, m *missingSource, sealed int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	some := false
	for f := range t.away[key] {
		if m.asked[f] || f.view.reach < sealed || f.view.reach == sealed && !m.unsent {
			continue
		}
		m.asked[f], some, f.wanted = true, true, true
		t.fetch(f)
		t.kick(f)
	}
	return some
}

// isWanted tells whether a file is to be read though it was read before.
func (t *Tail) isWanted(f *followed) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return f.wanted
}

// laneWants tells whether a source could not be shipped for want of its file.
func (t *Tail) laneWants(key source.Key) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lanes[key]
	return l != nil && l.wants
}

// setLaneWants notes that it could not, or that its lane has a file in hand.
func (t *Tail) setLaneWants(key source.Key, wants bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lanes[key]; l != nil {
		l.wants = wants
	}
}
