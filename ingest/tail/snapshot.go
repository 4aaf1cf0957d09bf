package tail

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"logseal/ingest/source"
)

// Status says where the tail is. It may be called at any time, also before Run.
func (t *Tail) Status() TailStatus {
	waiting := t.board.waiting()
	s := TailStatus{Streams: map[string]StreamTotals{}, Problems: t.board.notices.all(),
		HeldBytes: t.memory.held.Load()}
	if sized, ok := t.spool.(interface{ Size() int64 }); ok {
		s.SpoolBytes = sized.Size()
	}
	paused, why := t.board.paused.now()
	s.PausedSeconds, s.Paused = paused.Seconds(), why
	if why == "" && s.HeldBytes > t.config.set().HoldBytes {
		s.Paused = "memory for what is not sealed is full"
	}
	select {
	case <-t.uploader.opened:
		s.Ready = true
	default:
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	s.LastLook, s.OpenFiles = t.scanner.looked, t.scheduler.descriptors.open
	s.Ready = s.Ready && !t.scanner.looked.IsZero()
	for name, totals := range t.accounts.totals {
		s.Streams[name] = totals.clone()
	}
	for _, f := range t.allFiles() {
		t.accounts.noteUnsealed(f)
		if at := f.unsealed.since; !at.IsZero() && (s.OldestUnsealed.IsZero() || at.Before(s.OldestUnsealed)) {
			s.OldestUnsealed = at
		}
		x := t.board.describe(f, now)
		if key := f.view.key; f.view.standing == isOwner {
			t.board.addWaiting(&x, waiting[key], key, now)
			delete(waiting, key)
		}
		s.Sources = append(s.Sources, x)
	}
	for key, w := range waiting {
		x := SourceStatus{Stream: key.Table.Stream, Version: key.Table.Version, Origin: key.Origin,
			SID: key.ID, K: w.K, Path: w.Path, Size: w.Sealed.Offset, Read: w.Sealed.Offset,
			Sealed: w.Sealed.Offset, State: "gone"}
		t.board.addWaiting(&x, w, key, now)
		s.Sources = append(s.Sources, x)
	}
	for _, x := range s.Sources {
		if x.Behind > 0 {
			if at := now.Add(-x.Behind); s.OldestUnshipped.IsZero() || at.Before(s.OldestUnshipped) {
				s.OldestUnshipped = at
			}
		}
	}
	slices.SortFunc(s.Sources, compareSources)
	return s
}

// Stuck is since when nothing could be sealed or shipped though something was to be, and why: the zero time
// for no such time. What one file or source is short of does not count, nor a sink that does not answer.
func (t *Tail) Stuck() (since time.Time, why string) { return t.board.pulse.now() }

// LastLook is when the files were last looked at, the zero time before the first look.
func (t *Tail) LastLook() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.scanner.looked
}

func compareSources(a, b SourceStatus) int {
	return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Origin, b.Origin), bytes.Compare(a.SID[:], b.SID[:]),
		cmp.Compare(a.Path, b.Path))
}

// describe says what is known of a file. Tail.mu is held.
func (b *board) describe(f *followed, now time.Time) SourceStatus {
	v := &f.view
	key := v.key
	if v.standing == isCopy || v.standing == isUndecided {
		key = v.about
	}
	x := SourceStatus{Stream: f.stream().Epoch.Stream, Version: f.stream().Epoch.Version, Origin: key.Origin,
		SID: key.ID, K: v.k, Path: f.path, Size: f.stat.Size, Read: v.taken, Sealed: v.sealed,
		Shipped: v.sealed, State: string(v.standing)}
	if v.standing == isOwner && !v.oldest.IsZero() {
		x.Behind = now.Sub(v.oldest)
	}
	x.Size = max(x.Size, x.Read)
	if v.noText {
		x.Size, x.Read = x.Sealed, x.Sealed // nothing of it is to be read
	}
	return x
}

// addWaiting adds what the outbox holds of a source. Tail.mu is held.
func (b *board) addWaiting(x *SourceStatus, w *waitingSource, key source.Key, now time.Time) {
	if w == nil {
		return
	}
	x.Shipped, x.Outbox = w.Shipped, w.Outbox
	if l := b.uploader.lanes[key]; l != nil && w.Outbox > 0 && !l.since.IsZero() {
		x.Behind = max(x.Behind, now.Sub(l.since))
	}
}

// waitingSource is a source with an outbox, as the ledger has it.
type waitingSource struct {
	K       uint64
	Path    string
	Sealed  source.Point
	Shipped int64
	Outbox  int
}

// waiting asks the ledger for the sources that lanes are at.
func (b *board) waiting() map[source.Key]*waitingSource {
	b.mu.Lock()
	var keys []source.Key
	for key, l := range b.uploader.lanes {
		if !l.since.IsZero() {
			keys = append(keys, key)
		}
	}
	b.mu.Unlock()
	all := map[source.Key]*waitingSource{}
	for _, key := range keys {
		src, ok, err := b.Ledger.Get(key)
		if err != nil || !ok || len(src.Outbox) == 0 {
			continue
		}
		all[key] = &waitingSource{src.K, src.Path, src.Sealed, src.Shipped, len(src.Outbox)}
	}
	return all
}
