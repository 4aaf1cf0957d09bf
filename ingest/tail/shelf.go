package tail

import (
	"errors"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// shelf keeps files that are closed: compressed ones that were read, and plain ones that rest.
type shelf struct {
	*Tail

	away   map[source.Key]map[*logFile]bool // files that were read to their end
	unpack chan struct{}                    // holds one for each compressed file that is read: they take memory
}

// Compressed files that were read to their end are put away: closed, and not read again while they stay
// as they are. What they hold is in the sink, or waits in the spool. Should the spool lose it they are
// wanted again.

// putAway puts a file away that was proved to be a source up to an offset. f.mu is held.
func (h *shelf) putAway(f *logFile, is source.Key, upTo int64) {
	h.memory.closeFile(f)
	h.mu.Lock()
	f.final, f.wanted = false, false
	f.show(fileView{state: isRead, about: is, reach: upTo})
	h.scheduler.dueBy(f, time.Time{})
	if h.away[is] == nil {
		h.away[is] = map[*logFile]bool{}
	}
	h.away[is][f] = true
	there := f.there
	h.mu.Unlock()
	if !there {
		h.follower.letGo(f)
	}
}

// mayStayClosed reports whether the tail ends and a file was read that is put away.
func (h *shelf) mayStayClosed(f *logFile) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ending && f.there && f.view.state == isRead
}

// fetch takes a file out of those that are put away. Tail.mu is held.
func (h *shelf) fetch(f *logFile) {
	is := f.view.about
	delete(h.away[is], f)
	if len(h.away[is]) == 0 {
		delete(h.away, is)
	}
	f.show(fileView{state: isNew})
}

// readAgain has the files of a source read again that were put away.
func (h *shelf) readAgain(key source.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.away[key] {
		h.fetch(f)
		h.scheduler.schedule(f)
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
		h.scheduler.schedule(f)
	}
	return some
}

// isWanted reports whether a file is to be read though it was read before.
func (h *shelf) isWanted(f *logFile) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return f.wanted
}

// laneWants reports whether a source could not be shipped for want of its file.
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

// stepArchive reads a compressed file, once it has not changed for a while: it is written in one go
// and then stays. If it changes after all it is looked at anew.
func (h *shelf) stepArchive(f *logFile) error {
	if h.maySkip(f) {
		return nil
	}
	quiet, err := h.quiet(f)
	if err != nil || !quiet {
		return err
	}
	if read, err := h.wasRead(f); read || err != nil {
		return err
	}
	select {
	case h.unpack <- struct{}{}:
		defer func() { <-h.unpack }()
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
	if whole, err := h.isWhole(f); !whole || err != nil {
		return err
	}
	if !h.follower.isOwner(f) {
		known, err := h.resolver.identify(f)
		if err != nil || !known {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer h.follower.publish(f)
	if f.w == nil {
		return nil
	}
	f.w.Sealed = false
	ended, err := h.follower.withView(f, f.size, true, func() (bool, error) { return h.cutArchive(f) })
	if err != nil || !ended {
		return err
	}
	if f.w.Cutter.Fault == nil {
		// A short log is shorter than its archive.
		if err := h.scanner.forgetNoted(f, max(f.size, h.scanner.notedOf(f))); err != nil {
			return err
		}
	}
	return h.archiveRead(f)
}

// maySkip reports whether the tail is to end and the file will still be there for the next one.
func (h *shelf) maySkip(f *logFile) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ending && f.there
}

// quiet reports whether a file has not changed since the last poll; else it is due after the next.
func (h *shelf) quiet(f *logFile) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil {
		return false, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if stat.Size != f.size {
		f.size, f.lastSize, f.moved = stat.Size, stat.Size, time.Now()
	}
	still := f.moved.Add(h.config.set().PollInterval)
	if !f.there || !time.Now().Before(still) {
		f.final = true // what follows reads what is there
		return true, nil
	}
	h.scheduler.dueBy(f, still)
	return false, nil
}

// isWhole reports whether a compressed file can be read to its end, or has not been written to for so
// long that nobody is at it any more: half of one would be taken for all that its log had.
func (h *shelf) isWhole(f *logFile) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		return false, nil
	}
	h.mu.Lock()
	rested, there := f.moved.Add(h.config.set().CloseWait), f.there
	h.mu.Unlock()
	if !there || !time.Now().Before(rested) {
		return true, nil
	}
	view, err := f.live.Snapshot(0, true)
	if err != nil {
		return false, err
	}
	defer view.Close()
	_, _, err = view.Marks(h.ctx, nil)
	var fault *files.CorruptError
	if err == nil || !errors.As(err, &fault) {
		return err == nil, shrunkLater(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.become(isNew)
	h.scheduler.dueBy(f, rested)
	return false, nil
}

// wasRead reports whether an earlier run read the file to its end, so that it need not be told again
// who it is.
func (h *shelf) wasRead(f *logFile) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w != nil || f.live == nil || h.shelf.isWanted(f) {
		return false, nil
	}
	stat, err := f.live.Look()
	if err != nil {
		return false, err
	}
	rec, ok, err := h.Ledger.GetFile(f.stream().Table(), f.live.Path())
	if err != nil || !ok || rec.State != commit.StateOf(stat) || h.Rehash {
		return false, err
	}
	src, ok, err := h.Ledger.Get(rec.Key)
	if err != nil || !ok || src.Sealed.Offset < rec.Offset || len(src.Lost) > 0 ||
		src.K > 0 && src.Shipped == 0 && !src.LowerRefuted {
		return false, err
	}
	h.shelf.putAway(f, rec.Key, rec.Offset)
	return true, nil
}

// cutArchive seals a compressed file, and reports whether it came to the end.
func (h *shelf) cutArchive(f *logFile) (ended bool, err error) {
	w := f.w
	from := w.Src.Sealed.Offset
	defer func() { h.board.countRead(w.Key.Table.Stream, max(0, w.Src.Sealed.Offset-from)) }()
	for !h.maySkip(f) && !h.uploader.isWaiting(w) {
		more, err := w.Orphans.TakeSpooled()
		if err == nil && !more {
			more, err = h.cutInTurn(f)
		}
		if err != nil || !more {
			return err == nil, err
		}
	}
	return false, nil
}

func (h *shelf) cutInTurn(f *logFile) (bool, error) {
	ctx, done := h.follower.mayInterrupt(f)
	defer done()
	endTurn, err := h.TakeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	f.w.Cutter.OnEncoded = endTurn
	return f.w.Cutter.Cut(ctx)
}

// archiveRead lets a compressed file rest that was read to its end. Its source has no owner then: a
// whole copy goes on where this one has a fault.
func (h *shelf) archiveRead(f *logFile) error {
	w := f.w
	if err := w.Shipper.Refresh(); err != nil {
		return err
	}
	if needs, err := w.NeedsFileToBegin(); needs || err != nil {
		return err // who it is may have to be asked again before it ships
	}
	if len(w.Src.Lost) > 0 && !h.uploader.isStuck(w.Key) || len(w.Src.Outbox) > 0 && h.uploader.laneWants(w.Key) {
		return nil // its lane takes that back, or needs it
	}
	var stopped *commit.StopError
	err := w.Remember(h.ctx)
	if err != nil && !errors.As(err, &stopped) {
		return err
	}
	h.Log.Info("read a compressed file", append(commit.LogSource(w.Key), "path", f.live.Path(),
		"to", w.Src.Sealed.Offset)...)
	h.active.release(f)
	if w.Src.Highest > w.Src.Sealed.Offset {
		h.losses.miss(w.Key, newMissing(time.Now(), table.Deleted, w.Src.Highest,
			offsets.Sighting{Serial: w.Src.Serial}))
	}
	h.shelf.putAway(f, w.Key, w.Src.Sealed.Offset)
	h.mu.Lock()
	h.resolver.scheduleGroup(f.group, f)
	h.mu.Unlock()
	if stopped != nil {
		h.board.problems.raise(stopped.Problem)
	}
	return nil
}
