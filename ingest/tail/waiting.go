package tail

import (
	"context"
	"slices"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
)

// A source that begins like another of this host waits for that one to have something in the sink. It
// waits by name and is woken; meanwhile it takes no slot and no room in the spool, and no more of it is
// sealed than has to be.

// mayShip reports whether nothing holds back a source's batches. If its file has to tell, what waits
// is shipped with that in hand.
func (t *Tail) mayShip(ctx context.Context, w *commit.Writer) (bool, error) {
	if w.MayBegin() {
		return true, nil
	}
	f, release := w.FamilyOf()
	if f == nil {
		return false, t.shipWithFile(ctx, w.Key)
	}
	defer release()
	t.useWhileWaiting(w.Key, f)
	t.stopWaiting(w.Key) // what is learnt now wakes others, and not itself
	for {
		how, k, err := w.AskPredecessors(ctx)
		switch {
		case err != nil:
			return false, err
		case how == commit.AllRefute:
			return true, nil
		case how != commit.OneAwaited:
			return false, t.shipWithFile(ctx, w.Key)
		}
		if ks, err := w.Contested(f); len(ks) > 0 || err != nil {
			if err == nil {
				err = t.shipWithFile(ctx, w.Key)
			}
			return false, err
		}
		// It is asked once more after it is noted who is awaited: so nothing is missed in between.
		if other := f.KeyOf(k); !t.waitFor(other, w.Key) {
			return false, commit.NewAwaitError(w, other)
		}
	}
}

// useWhileWaiting keeps what is known of a family until the source's lane is done or need not wait any more.
func (t *Tail) useWhileWaiting(key source.Key, f *commit.Family) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lanes[key]; l != nil && l.release == nil {
		l.release = f.Hold()
	}
}

// waitFor has a source's outbox shipped when more of another one is in the sink, or that gives its id
// up. It reports false when that was noted before.
func (t *Tail) waitFor(other, key source.Key) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lanes[key]
	if l == nil || l.awaits == other {
		return false
	}
	t.awaitNobody(key, l)
	l.awaits = other
	t.waiters[other] = append(t.waiters[other], key)
	return true
}

// stopWaiting forgets which other one a source waits for.
func (t *Tail) stopWaiting(key source.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lanes[key]; l != nil {
		t.awaitNobody(key, l)
	}
}

// awaitNobody takes a source from the list of those that wait for the same one. Tail.mu is held.
func (t *Tail) awaitNobody(key source.Key, l *lane) {
	if l.awaits == (source.Key{}) {
		return
	}
	left := slices.DeleteFunc(t.waiters[l.awaits], func(k source.Key) bool { return k == key })
	if t.waiters[l.awaits] = left; len(left) == 0 {
		delete(t.waiters, l.awaits)
	}
	l.awaits = source.Key{}
}

func (t *Tail) wakeWaiters(other source.Key) {
	t.mu.Lock()
	waiting := t.waiters[other]
	delete(t.waiters, other)
	t.mu.Unlock()
	for _, key := range waiting {
		t.kickLane(key)
	}
}

// parkLane leaves a source that waits for another one until it is woken. Tail.mu is held.
func (t *Tail) parkLane(key source.Key, l *lane) {
	if l.retry != nil {
		l.retry.Stop()
	}
	l.failing = 0
	if t.ships.Err() == nil {
		l.retry = time.AfterFunc(laneWaitMax, func() { t.kickLane(key) })
	}
}

// isWaiting reports whether a source has something to ship and waits for another one.
func (t *Tail) isWaiting(w *commit.Writer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lanes[w.Key]
	return l != nil && l.waits && len(w.Src.Outbox) > 0
}
