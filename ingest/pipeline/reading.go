package pipeline

import (
	"errors"
	"time"

	"logseal/ingest/files"
)

// readMax is how much of a file is read before others of its kind have their turn.
const readMax = 4 << 20

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
