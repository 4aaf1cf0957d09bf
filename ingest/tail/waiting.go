package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"logseal/ingest/sink/retry"

	"logseal/ingest/commit"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// A source that begins like another of this host waits for that one to have something in the sink. It
// waits by name and is woken; meanwhile it takes no slot and no room in the spool, and no more of it is
// sealed than has to be.

// mayShip reports whether nothing holds back a source's batches. If its file has to tell, what waits
// is shipped with that in hand.
func (u *uploader) mayShip(ctx context.Context, w *commit.Writer) (bool, error) {
	if w.MayBegin() {
		return true, nil
	}
	f, release := w.FamilyOf()
	if f == nil {
		return false, u.shipWithFile(ctx, w.Key)
	}
	defer release()
	u.useWhileWaiting(w.Key, f)
	u.stopWaiting(w.Key) // what is learnt now wakes others, and not itself
	for {
		how, k, err := w.Ordinal.AskPredecessors(ctx)
		switch {
		case err != nil:
			return false, err
		case how == commit.AllRefute:
			return true, nil
		case how != commit.OneAwaited:
			return false, u.shipWithFile(ctx, w.Key)
		}
		if ks, err := w.Ordinal.Contested(f); len(ks) > 0 || err != nil {
			if err == nil {
				err = u.shipWithFile(ctx, w.Key)
			}
			return false, err
		}
		// It is asked once more after it is noted who is awaited: so nothing is missed in between.
		if other := f.KeyOf(k); !u.waitFor(other, w.Key) {
			return false, commit.NewAwaitError(w, other)
		}
	}
}

// useWhileWaiting keeps what is known of a family until the source's lane is done or need not wait any more.
func (u *uploader) useWhileWaiting(key source.Key, f *commit.Family) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.lanes[key]; l != nil && l.release == nil {
		l.release = f.Hold()
	}
}

// waitFor has a source's outbox shipped when more of another one is in the sink, or that gives its id
// up. It reports false when that was noted before.
func (u *uploader) waitFor(other, key source.Key) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lanes[key]
	if l == nil || l.awaits == other {
		return false
	}
	u.awaitNobody(key, l)
	l.awaits = other
	u.waiters[other] = append(u.waiters[other], key)
	return true
}

// stopWaiting forgets which other one a source waits for.
func (u *uploader) stopWaiting(key source.Key) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.lanes[key]; l != nil {
		u.awaitNobody(key, l)
	}
}

// awaitNobody takes a source from the list of those that wait for the same one. Tail.mu is held.
func (u *uploader) awaitNobody(key source.Key, l *lane) {
	if l.awaits == (source.Key{}) {
		return
	}
	left := slices.DeleteFunc(u.waiters[l.awaits], func(k source.Key) bool { return k == key })
	if u.waiters[l.awaits] = left; len(left) == 0 {
		delete(u.waiters, l.awaits)
	}
	l.awaits = source.Key{}
}

func (u *uploader) wakeWaiters(other source.Key) {
	u.mu.Lock()
	waiting := u.waiters[other]
	delete(u.waiters, other)
	u.mu.Unlock()
	for _, key := range waiting {
		u.wake(key)
	}
}

// parkLane leaves a source that waits for another one until it is woken. Tail.mu is held.
func (u *uploader) parkLane(key source.Key, l *lane) {
	if l.retry != nil {
		l.retry.Stop()
	}
	l.failing = 0
	if u.ships.Err() == nil {
		l.retry = time.AfterFunc(laneWaitMax, func() { u.wake(key) })
	}
}

// isWaiting reports whether a source has something to ship and waits for another one.
func (u *uploader) isWaiting(w *commit.Writer) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lanes[w.Key]
	return l != nil && l.waits && len(w.Src.Outbox) > 0
}

// refused are those that the sink refuses something now. One of them is told of: what mends that mends
// most likely all.
type refused struct {
	mu   sync.Mutex // guards what follows
	by   map[string]bool
	told string // who is told of
	is   bool   // somebody is
}

// note notes that somebody is refused; true when that one is to be told of.
func (r *refused) note(who string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]bool{}
	}
	r.by[who] = true
	if !r.is {
		r.told, r.is = who, true
	}
	return r.told == who
}

// clear notes that somebody is not; true when that was the one told of.
func (r *refused) clear(who string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.by[who] {
		return false
	}
	delete(r.by, who)
	was := r.is && r.told == who
	r.is = r.is && !was
	return was
}

// untilAllowed runs try for somebody, and again for as long as the sink refuses: that is mended outside,
// and is said with its fix at once. try must be safe to repeat.
func (u *uploader) untilAllowed(ctx context.Context, who string, try func() error) error {
	wait := retry.Growing(laneWaitFirst, laneWaitMax)
	for {
		err := try()
		if err == nil || !errors.As(err, new(*sink.RefusedError)) {
			if u.refused.clear(who) {
				u.board.problems.clear("", commit.Refused)
			}
			return err
		}
		if u.refused.note(who) {
			u.board.problems.raise(commit.Problem{Kind: commit.Refused, Message: fmt.Sprintf("%v; it is retried", err)})
		}
		select {
		case <-time.After(wait()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
