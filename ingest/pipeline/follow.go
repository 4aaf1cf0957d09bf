package pipeline

import (
	"errors"
	"fmt"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/source"
)

// readMax is how much of a file is read before others of its kind have their turn.
const readMax = 4 << 20

// step does all that there is to do about a file now.
func (t *Tail) step(f *followed) error {
	live, err := t.openFile(f)
	if err != nil || live == nil {
		return err
	}
	if live.Compressed() {
		return t.stepArchive(f)
	}
	if !t.isOwner(f) {
		known, err := t.identify(f)
		if err != nil || !known {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer t.publish(f)
	if f.w != nil {
		f.w.stream = f.stream().Stream
	}
	for last := false; f.w != nil && t.ctx.Err() == nil; {
		// When the tail ends it reads once more and not again: somebody may write faster than it seals.
		if !last {
			if err := t.read(f); err != nil {
				return err
			}
		}
		last = t.isEnding()
		more, err := t.cutDue(f)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	switch {
	case t.ctx.Err() != nil:
	case f.of.removed.Load():
		t.letGo(f) // what is complete of it is sealed
	case f.w != nil && f.final:
		return t.finish(f)
	}
	return nil
}

// cutDue seals a batch of the file if one is due; false when there is nothing more to seal now.
func (t *Tail) cutDue(f *followed) (bool, error) {
	if !t.wantsCut(f) && !f.joining.over(time.Now()) {
		return false, nil
	}
	more, err := t.cutNext(f) // the last part may have come
	if more || err != nil || f.w == nil {
		return more, err
	}
	f.tried = f.live.Taken()
	t.noteJoining(f)
	return t.endJoining(f)
}

// openFile opens a file that is not open. One that is gone again before it could be is let go: then
// there is none to give.
func (t *Tail) openFile(f *followed) (*files.Live, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dropped {
		return nil, nil
	}
	t.mu.Lock()
	path, there := f.path, f.there
	f.final = f.final || t.atItsEnd(f, time.Now())
	t.mu.Unlock()
	if f.live != nil {
		f.live.SetPath(path)
		return f.live, nil
	}
	if !there {
		t.letGo(f)
		return nil, nil
	}
	live, err := files.OpenLive(t.FS, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	now, err := live.Look()
	if err != nil || fileIDOf(f.stream(), path, now) != f.id {
		live.Close()
		return nil, err // another file took its place: the next look finds it
	}
	f.live, f.size, f.lastSize = live, now.Size, now.Size
	f.cut, f.final, f.from, f.tried, f.arrived = false, false, 0, -1, arrivals{}
	return live, live.Begin(0)
}

// atItsEnd tells whether a file can no longer grow: it has no path, and nobody has written to it for
// a while. Of one that was truncated a copy may have more, so long as there may be one. Tail.mu is
// held.
func (t *Tail) atItsEnd(f *followed, now time.Time) bool {
	if f.of.removed.Load() {
		return false // it may grow, and be followed again
	}
	if !f.cut {
		return !f.there && !now.Before(t.lastWrite(f).Add(t.set().CloseWait))
	}
	if now.Before(f.goneAt.Add(t.set().CloseWait)) {
		return false
	}
	return !t.hasCopy(f, now) || !now.Before(f.goneAt.Add(t.set().CopyWait))
}

// hasCopy tells whether a file that is not read may turn out to be what an owner was. Tail.mu is
// held.
func (t *Tail) hasCopy(f *followed, now time.Time) bool {
	if f.group == nil {
		return false
	}
	for o := range f.group.files {
		if o == f || now.Sub(o.moved) >= t.set().CopyWait {
			continue
		}
		switch o.view.standing {
		case isNew:
			return true
		case isCopy, isUndecided:
			if o.view.about == f.view.key {
				return true
			}
		}
	}
	return false
}

// lastWrite is when a file is known to have been written to. Tail.mu is held.
func (t *Tail) lastWrite(f *followed) time.Time {
	if f.goneAt.After(f.moved) {
		return f.goneAt
	}
	return f.moved
}

func (t *Tail) isOwner(f *followed) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.w != nil
}

// read takes what the file has and nobody has read yet into memory, unless so much waits that it is
// sealed straight from the file. f.mu is held.
func (t *Tail) read(f *followed) error {
	if f.cut {
		return nil
	}
	for {
		stat, err := f.live.Look()
		if err != nil {
			return err
		}
		if stat.Size < f.lastSize && t.wasTruncated(f) {
			return nil
		}
		t.noteSize(f, stat)
		if t.backlog(f) || t.isEnding() && f.behind() {
			return nil
		}
		if unread := stat.Size - f.live.Taken(); unread > 0 && t.shortOfMemory() {
			return nil
		}
		at := f.live.Taken()
		n, err := t.readSome(f)
		if errors.As(err, new(*files.TruncatedError)) {
			t.truncated(f)
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		f.arrived.add(at, time.Now(), f.stream().MaxAge)
		t.countRead(f.stream().Epoch.Stream, n)
	}
}

// wasTruncated looks whether the file still holds what was read of it, and ends this incarnation
// when it does not.
func (t *Tail) wasTruncated(f *followed) bool {
	_, err := f.live.Read(0)
	if !errors.As(err, new(*files.TruncatedError)) {
		return false
	}
	t.truncated(f)
	return true
}

func (t *Tail) readSome(f *followed) (int64, error) {
	select {
	case t.reads <- struct{}{}:
	case <-t.ctx.Done():
		return 0, t.ctx.Err()
	}
	defer func() { <-t.reads }()
	n, err := f.live.Read(readMax)
	t.weigh(f)
	return n, err
}

// noteSize keeps the largest size that was seen: if the file shrinks, so much of it there was.
func (t *Tail) noteSize(f *followed, stat files.Stat) {
	f.size = stat.Size
	if stat.Size > f.lastSize {
		f.lastSize = stat.Size
		t.mu.Lock()
		f.moved = time.Now()
		t.mu.Unlock()
	}
}

// backlog tells whether so much is not sealed that a batch is due in any case: then it is not kept
// in memory first.
func (t *Tail) backlog(f *followed) bool {
	most := f.stream().MaxBytes
	return f.w != nil && !f.cut && !t.isEnding() && most > 0 && f.size-f.w.src.Sealed.Offset >= most
}

// behind tells whether more is not read than one batch takes. f.mu is held.
func (f *followed) behind() bool {
	most := f.stream().MaxBytes
	return most > 0 && f.size-f.live.Taken() >= most
}

// isEnding tells whether the tail is to end: what is read is sealed, and what is in files stays there.
func (t *Tail) isEnding() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending
}

// weigh keeps account of the memory that a file holds.
func (t *Tail) weigh(f *followed) {
	now := f.live.Held()
	t.held.Add(now - f.heldNow)
	f.heldNow = now
}

// shortOfMemory tells whether no more is to be read for now. Then the file that holds most is sealed.
func (t *Tail) shortOfMemory() bool {
	if t.held.Load() <= t.set().HoldBytes {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var most *followed
	for _, f := range t.allFiles() {
		if f.view.standing == isOwner && (most == nil || f.view.held > most.view.held) {
			most = f
		}
	}
	if most != nil && !most.squeezed {
		most.squeezed = true
		t.kick(most)
	}
	return true
}

// wantsCut tells whether what is there of the file is to be sealed now. f.mu is held.
func (t *Tail) wantsCut(f *followed) bool {
	unsealed := f.live.Taken() > f.w.src.Sealed.Offset
	if t.backlog(f) {
		return true
	}
	if f.final {
		return unsealed || !f.cut && f.size > f.w.src.Sealed.Offset
	}
	if !unsealed {
		return len(t.aside.of(f.w.key)) > 0
	}
	if f.tried == f.live.Taken() {
		return false // a half line, and nothing has come since
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.squeezed || f.cut || !f.there || t.ending {
		return true // what is in memory alone does not survive us, so it is sealed at once
	}
	return !time.Now().Before(f.arrived.oldest().Add(f.stream().MaxAge))
}

// cutNext seals the next batch of the file; false when there is nothing to seal. f.mu is held.
func (t *Tail) cutNext(f *followed) (bool, error) {
	w := f.w
	if err := w.refresh(); err != nil {
		return false, err
	}
	more, err := w.takeSpooled()
	if err == nil && !more {
		more, err = t.sealNext(f)
	}
	if (err != nil || f.live.Lost()) && !f.cut && t.wasTruncated(f) {
		// It was truncated while it was sealed straight from the file. What is in memory is left.
		return true, nil
	}
	if err != nil || !more {
		return false, err
	}
	t.mu.Lock()
	f.squeezed = false
	t.mu.Unlock()
	t.kickLane(w.key)
	return true, t.resume(f)
}

func (t *Tail) sealNext(f *followed) (bool, error) {
	endTurn, err := t.takeTurn(t.ctx)
	if err != nil {
		return false, err
	}
	defer endTurn()
	end := f.live.Taken()
	if t.backlog(f) || f.final && !f.cut {
		end = max(end, f.size) // of a few first bytes a Live cannot tell whether they are a log's
	}
	return t.withView(f, end, f.final && !f.goesOn(), func() (bool, error) { return f.w.cut(t.ctx) })
}

// withView runs do while the work has a view of the file's bytes up to end; finished says that the
// source ends there. f.mu is held.
func (t *Tail) withView(
	f *followed, end int64, finished bool, do func() (bool, error),
) (bool, error) {
	view, err := f.live.View(end, finished)
	if err != nil {
		return false, err
	}
	w := f.w
	w.file, w.path, w.state = view, f.live.Path(), stateOf(view.Stat())
	w.state.Size = f.lastSize
	defer func() {
		w.dropReader()
		w.file = nil
		view.Close()
	}()
	return do()
}

// resume lets what is held follow the sealed offset, wherever that has gone. f.mu is held.
func (t *Tail) resume(f *followed) error {
	at := f.w.src.Sealed.Offset
	defer t.weigh(f)
	f.tried = -1
	if f.live.Compressed() {
		return nil // it is read whole
	}
	if at >= f.from && at <= f.live.Taken() || f.cut {
		f.live.Release(at)
	} else if err := t.beginAt(f, at); err != nil {
		return err
	}
	f.from = at
	f.arrived.sealed(at)
	if f.live.Taken() <= at {
		f.arrived.reset()
	}
	return nil
}

// beginAt begins to read the file at the sealed offset, if it still has the bytes before that.
func (t *Tail) beginAt(f *followed, at int64) error {
	err := f.live.Begin(at)
	same := false
	if err == nil {
		same, err = t.stillHas(f, at)
	}
	switch {
	case err != nil && !errors.As(err, new(*files.ShrunkError)):
		return err
	case same:
		return nil
	}
	f.live.Abandon()
	t.truncated(f)
	return nil
}

// stillHas tells whether the file has the bytes before the sealed offset that were sealed.
func (t *Tail) stillHas(f *followed, at int64) (bool, error) {
	view, err := f.live.View(at, false)
	if err != nil {
		return false, err
	}
	defer view.Close()
	if f.w.src.Marker != (source.Digest{}) {
		marker, err := view.Marker(at)
		return marker == f.w.src.Marker, err
	}
	marks, _, err := view.MarksTo(t.ctx, []int64{at})
	return marks[at].Chain == f.w.src.Sealed.Chain, err
}

// publish lets the director know what the file's state is, and when it wants to be attended to.
func (t *Tail) publish(f *followed) {
	if f.live == nil {
		return
	}
	v := fileView{standing: isNew, taken: f.live.Taken(), held: f.heldNow}
	if f.w != nil {
		v.standing, v.key, v.k = isOwner, f.w.key, f.w.k
		v.sealed = f.w.src.Sealed.Offset
		if v.taken > v.sealed {
			v.oldest = f.arrived.oldest()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.w == nil {
		v.standing, v.about = f.view.standing, f.view.about
	}
	f.view = v
	if f.w != nil {
		t.notices.clear(f.path)
		t.dueBy(f, t.dueAt(f))
		if soon := time.Now().Add(t.set().PollInterval); !f.due.IsZero() && f.due.Before(soon) &&
			!f.due.After(time.Now()) {
			t.dueBy(f, soon) // it was just attended to: something holds it up
		}
	}
}

// dueAt is when a file wants to be attended to if nothing else happens before. Both locks are held.
func (t *Tail) dueAt(f *followed) (due time.Time) {
	sooner := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	if taken := f.live.Taken(); taken > f.view.sealed && taken != f.tried {
		sooner(f.arrived.oldest().Add(f.stream().MaxAge))
	}
	if f.joining.end > 0 {
		sooner(f.joining.since.Add(joinWait))
	}
	switch {
	case f.cut:
		sooner(f.goneAt.Add(t.set().CloseWait))
	case !f.there:
		sooner(t.lastWrite(f).Add(t.set().CloseWait))
	}
	return due
}

// logSource names a source in a log line.
func logSource(key source.Key) []any {
	return []any{"stream", key.Table.Stream, "sid", key.ID.String()}
}
