package tail

import (
	"errors"
	"sync/atomic"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/follow"
)

// memory reads files into memory, within the budget of all files together.
type memory struct {
	*Tail

	reads chan struct{} // holds one for each file that is being read
	held  atomic.Int64  // bytes of memory that hold what is not sealed
}

// What is read and not sealed is held in memory, and together it may take so much. When it takes more,
// nothing more is read, and the file that holds most has to give way: what can be sealed of it is, and
// what cannot, half a line, is let go of, since it is still in the file. It is read again when more of it
// comes, or there is room. What was truncated is in memory alone and stays there.

// weigh keeps account of the memory that a file holds.
func (m *memory) weigh(f *logFile) {
	now := f.live.Held()
	m.held.Add(now - f.heldNow)
	f.heldNow = now
}

// hasRoom reports whether there is memory enough to hold what cannot be sealed.
func (m *memory) hasRoom() bool { return m.held.Load() <= m.config.set().HoldBytes/2 }

// shortOfMemory reports whether no more is to be read for now. Then the file that holds most is to give
// way.
func (m *memory) shortOfMemory() bool {
	if m.held.Load() <= m.config.set().HoldBytes {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var most *logFile
	for _, f := range m.allFiles() {
		if f.view.state == isActive && !f.view.bound &&
			(most == nil || f.view.held > most.view.held) {
			most = f
		}
	}
	if most != nil && !most.squeezed {
		most.squeezed = true
		m.scheduler.schedule(most)
	}
	return true
}

// giveWay lets go of what is held of a file that is to give way and of which nothing can be sealed. f.mu
// is held.
func (m *memory) giveWay(f *logFile) error {
	m.mu.Lock()
	squeezed := f.squeezed
	m.mu.Unlock()
	if !squeezed || f.tried != f.live.Taken() || !f.maySpare() {
		return nil
	}
	left := f.size
	if err := m.forgetHeld(f); err != nil || f.cut {
		return err
	}
	f.left, f.tried = left, -1
	m.mu.Lock()
	f.squeezed, f.view.held = false, f.heldNow
	m.mu.Unlock()
	m.shortOfMemory() // the next one
	return nil
}

// maySpare reports whether what is held of a file is in the file, too, and is not about to be sealed as
// a record that lacks its last part. f.mu is held.
func (f *logFile) maySpare() bool { return !f.cut && f.joining.end == 0 }

// forgetHeld lets go of what is held of a file and not sealed. If the file no longer has it, it stays.
// f.mu is held.
func (m *memory) forgetHeld(f *logFile) error {
	err := f.live.Forget()
	if errors.As(err, new(*follow.TruncatedError)) {
		m.follower.truncated(f)
		return nil
	}
	if err != nil {
		return err
	}
	f.from = f.live.Taken()
	f.arrived.reset()
	m.weigh(f)
	m.active.releaseUnproved(f)
	return nil
}

// readMax is how much of a file is read before others of its kind have their turn.
const readMax = 4 << 20

// read takes what the file has and nobody has read yet into memory, unless so much waits that it is
// sealed straight from the file. f.mu is held.
func (m *memory) read(f *logFile) error {
	if f.cut {
		return nil
	}
	for {
		stat, err := f.live.Look()
		if err != nil {
			return err
		}
		// The size is of this incarnation if that is still there after it was asked for.
		if stat.Size != f.size && m.wasTruncated(f) {
			return nil
		}
		m.noteSize(f, stat)
		if m.readsPast(f) {
			return nil
		}
		at := f.live.Taken()
		n, err := m.readSome(f)
		if errors.As(err, new(*follow.TruncatedError)) {
			m.follower.truncated(f)
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		f.arrived.add(at, time.Now(), f.stream().MaxAge)
		m.board.countRead(f.stream().Epoch.Stream, n)
	}
}

// directMin is how much has to be there for it to be worth a batch when memory is short; less is worth
// one once it has waited for as long as a byte may.
const directMin = 256 << 10

// readsPast reports whether what is there is not to be read into memory: because it is sealed straight
// from the file, as it is of a file without a path, which we are all that is left of, or because
// memory is short, or the tail is to end and there is more than a batch.
func (m *memory) readsPast(f *logFile) bool {
	m.mu.Lock()
	gone := !f.there
	m.mu.Unlock()
	unread := f.size - f.live.Taken()
	switch {
	case gone:
		f.direct = true
		return true
	case m.backlog(f) || m.isEnding() && f.behind():
		return true
	case unread > 0 && f.size <= f.left && !m.hasRoom():
		return true
	case unread <= 0 || !m.shortOfMemory():
		f.left, f.short = 0, time.Time{}
		return false
	}
	if f.short.IsZero() {
		f.short = time.Now()
	}
	f.direct = unread >= directMin || time.Since(f.short) >= f.stream().MaxAge
	return true
}

// wasTruncated looks whether the file still holds what was read of it, and ends this incarnation
// when it does not.
func (m *memory) wasTruncated(f *logFile) bool {
	_, err := f.live.Read(0)
	if !errors.As(err, new(*follow.TruncatedError)) {
		return false
	}
	m.follower.truncated(f)
	return true
}

func (m *memory) readSome(f *logFile) (int64, error) {
	select {
	case m.reads <- struct{}{}:
	case <-m.ctx.Done():
		return 0, m.ctx.Err()
	}
	defer func() { <-m.reads }()
	if m.held.Load() > m.config.set().HoldBytes {
		return 0, nil // others were read while this one waited for its turn
	}
	n, err := f.live.Read(readMax)
	m.weigh(f)
	return n, err
}

// noteSize keeps the largest size that was seen: if the file shrinks, so much of it there was.
func (m *memory) noteSize(f *logFile, stat files.Stat) {
	f.size = stat.Size
	if stat.Size > f.lastSize {
		f.lastSize = stat.Size
		m.mu.Lock()
		f.final = false // somebody still writes to it
		f.moved = time.Now()
		m.mu.Unlock()
	}
}

// measure notes how long a file is whose first bytes have just been read. What was seen of its size before may
// have been of what it held then: nothing that was read could tell. If it is truncated by now, and the read was
// not to read more, there was more: else half a line would be taken for its last one. f.mu is held.
func (m *memory) measure(f *logFile, full bool) (files.Stat, error) {
	f.size = f.live.Taken()
	if full {
		f.size++
	}
	f.lastSize = f.size
	stat, err := f.live.Look()
	if err == nil && !m.wasTruncated(f) {
		f.size, f.lastSize = stat.Size, stat.Size
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f.shrunk, f.most, f.measured = false, f.size, time.Now()
	return stat, err
}

// backlog reports whether so much is not sealed that a batch is due in any case: then it is not kept
// in memory first.
func (m *memory) backlog(f *logFile) bool {
	if f.w == nil || f.cut {
		return false
	}
	most, unsealed := f.stream().MaxBytes, f.size-f.w.Src.Sealed.Offset
	return f.direct && unsealed > 0 || !m.isEnding() && most > 0 && unsealed >= most
}

// behind reports whether more is not read than one batch takes. f.mu is held.
func (f *logFile) behind() bool {
	most := f.stream().MaxBytes
	return most > 0 && f.size-f.live.Taken() >= most
}

// isEnding reports whether the tail is to end: what is read is sealed, and what is in files stays there.
func (t *Tail) isEnding() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending
}

// holdNothing forgets what was read of a file that cannot be gone on with: others need the memory.
func (m *memory) holdNothing(f *logFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w == nil || f.cut || f.live == nil || f.live.Compressed() {
		return
	}
	if err := m.forgetHeld(f); err != nil {
		return // it is looked at again
	}
}

// closeFile closes a file, if it is open, and forgets what was read of it. f.mu is held.
func (m *memory) closeFile(f *logFile) {
	if f.live == nil {
		return
	}
	m.closeHandle(f)
	f.live = nil
	m.held.Add(-f.heldNow)
	f.heldNow = 0
}

// closeHandle closes a file and keeps what was read of it. f.mu is held.
func (m *memory) closeHandle(f *logFile) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !f.turn.opened.IsZero() {
		f.live.Close()
		m.scheduler.giveDescriptor(f)
	}
}
