package tail

import (
	"errors"
	"time"

	"logseal/ingest/files"
	"logseal/ingest/follow"
)

// readMax is how much of a file is read before others of its kind have their turn.
const readMax = 4 << 20

// read takes what the file has and nobody has read yet into memory, unless so much waits that it is
// sealed straight from the file. f.mu is held.
func (m *memory) read(f *followed) error {
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
		m.accounts.countRead(f.stream().Epoch.Stream, n)
	}
}

// directMin is how much has to be there for it to be worth a batch when memory is short; less is worth
// one once it has waited for as long as a byte may.
const directMin = 256 << 10

// readsPast tells whether what is there is not to be read into memory: because it is sealed straight
// from the file, as it is of a file without a path, which we are all that is left of, or because
// memory is short, or the tail is to end and there is more than a batch.
func (m *memory) readsPast(f *followed) bool {
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
func (m *memory) wasTruncated(f *followed) bool {
	_, err := f.live.Read(0)
	if !errors.As(err, new(*follow.TruncatedError)) {
		return false
	}
	m.follower.truncated(f)
	return true
}

func (m *memory) readSome(f *followed) (int64, error) {
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
func (m *memory) noteSize(f *followed, stat files.Stat) {
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
func (m *memory) measure(f *followed, full bool) (files.Stat, error) {
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

// backlog tells whether so much is not sealed that a batch is due in any case: then it is not kept
// in memory first.
func (m *memory) backlog(f *followed) bool {
	if f.w == nil || f.cut {
		return false
	}
	most, unsealed := f.stream().MaxBytes, f.size-f.w.Src.Sealed.Offset
	return f.direct && unsealed > 0 || !m.isEnding() && most > 0 && unsealed >= most
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
