package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
)

// uploader ships the batches of each source in their order, one source a lane, and backs off.
type uploader struct {
	*Tail

	ships    context.Context // of what ships: when the tail ends the grace is its end
	endShips context.CancelFunc
	puts     chan struct{} // holds one for each source that is being shipped
	again    commit.Turn   // taken while a lost range is sealed again
	opened   chan struct{} // closed once the sink was reached and is the ledger's
	lanes    map[source.Key]*lane
	waiters  map[source.Key][]source.Key // sources that wait for another one to ship, by that one
	refused  refused
}

// lane ships the batches of one source, in order. It knows the source by the ledger alone, so that
// sealing goes on meanwhile; where that is not enough it takes the source's file in hand.
type lane struct {
	busy   bool // a goroutine is at it
	again  bool // something came while it was
	wants  bool // it needs the source's file, and there was none
	known  bool // the sink was found to have what the ledger has shipped
	waits  bool // for another source: it is woken by that one
	awaits source.Key
	// release gives back the family that a source uses while it waits: two that wait and learnt each time anew
	// what the sink has would wake each other without end. Nil for none.
	release func()
	failing int  // how often in a row it could not go on
	idle    bool // the last time nothing was sealed of the source, so its lane did nothing
	resting bool // it is tried again when the timer says so
	retry   *time.Timer
	since   time.Time // since when something waits
}

const (
	// laneWaitFirst and laneWaitMax bound how long a source rests that could not be shipped, though
	// the sink answers.
	laneWaitFirst = time.Second
	laneWaitMax   = time.Minute
	// laneStuck is after how many failures the batches of a source no longer count against the spool:
	// one source is not to hold up all others.
	laneStuck = 4
)

// wake has a source's outbox shipped.
func (u *uploader) wake(key source.Key) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ships.Err() != nil {
		return
	}
	l := u.lanes[key]
	if l == nil {
		l = &lane{}
		u.lanes[key] = l
	}
	if l.since.IsZero() {
		l.since = time.Now()
	}
	if l.busy {
		l.again = true
		return
	}
	if l.resting {
		if !u.ending || l.failing >= laneStuck {
			return // its rest is not long, and it finds all that has come
		}
		l.retry.Stop()
		l.resting = false
	}
	l.busy = true
	u.wg.Go(func() { u.runLane(key, l) })
}

// runLane ships until nothing is left or it cannot go on; then it is tried again later.
func (u *uploader) runLane(key source.Key, l *lane) {
	noted := false
	for {
		err := u.shipInTurn(key, l)
		var await *commit.AwaitError
		waits := errors.As(err, &await)
		if waits && u.waitFor(await.Other, key) && !noted {
			noted = true // what was shipped before it was noted is asked about once more
			continue
		}
		if err != nil && u.ctx.Err() == nil && fatal(err) {
			u.failed(err)
		}
		u.mu.Lock()
		if l.again && (err == nil || waits) && u.ships.Err() == nil {
			l.again = false
			u.mu.Unlock()
			continue
		}
		l.busy, l.again = false, false
		waited := l.waits
		if l.waits = waits; !waits && l.release != nil {
			l.release()
			l.release = nil
		}
		if waits {
			u.parkLane(key, l)
			// What others wait for must have room: so what waits does not count, and no more of it is made.
			defer u.holdSource(key)
		} else if err != nil {
			u.backOff(key, l)
			stuck := l.failing >= laneStuck
			defer func() {
				if stuck && u.ships.Err() == nil {
					u.holdSource(key)
					u.scheduler.scheduleFinal(key)
				}
			}()
		} else {
			u.laneDone(key, l, waited)
		}
		u.mu.Unlock()
		if err == nil {
			u.board.pulse.settled(key)
			u.board.problems.clear(key.String())
			u.releaseHeldOf(key)
		} else if u.ships.Err() == nil {
			u.laneFault(key, err)
		}
		u.scheduler.wakeUp()
		return
	}
}

// laneDone ends a lane that has nothing more to ship. Tail.mu is held.
func (u *uploader) laneDone(key source.Key, l *lane, waited bool) {
	l.since = time.Time{}
	if !l.idle {
		l.failing = 0
	}
	if o := u.active.bySource[key]; o == nil {
		delete(u.lanes, key)
	} else if o.final || waited || o.turn.isOver() {
		u.scheduler.schedule(o) // it may be let go now, or sealed on, or rest
	}
}

// backOff lets a source be tried again after a while. Tail.mu is held.
func (u *uploader) backOff(key source.Key, l *lane) {
	wait := min(laneWaitMax, laneWaitFirst<<min(l.failing, 10))
	l.failing++
	if l.retry != nil {
		l.retry.Stop()
	}
	if u.ships.Err() == nil {
		l.resting = true
		l.retry = time.AfterFunc(wait, func() {
			u.mu.Lock()
			l.resting = false
			u.mu.Unlock()
			if u.ships.Err() == nil {
				u.wake(key)
			}
		})
	}
}

// isStuck reports whether a source cannot be shipped, or not taken back, for a reason of its own.
func (u *uploader) isStuck(key source.Key) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.lanes[key]
	return l != nil && l.failing >= laneStuck
}

// holdSource takes what a source has in the spool out of the count.
func (u *uploader) holdSource(key source.Key) {
	src, ok, err := u.Ledger.Get(key)
	if err != nil || !ok {
		return // a lane that can go on finds out
	}
	for _, e := range src.Outbox {
		u.Spool.Hold(e.Spool)
	}
}

// laneFault says why a source cannot be shipped now.
func (u *uploader) laneFault(key source.Key, err error) {
	var stopped *commit.StopError
	switch {
	case errors.Is(err, commit.ErrSettleAgain), errors.Is(err, commit.ErrAgain):
	case errors.As(err, new(*commit.AwaitError)):
		u.board.pulse.settled(key) // it waits for another source
	case errors.As(err, &stopped):
		u.board.pulse.settled(key)
		u.board.problems.raiseAs(key.String(), stopped.Problem)
		if stopped.Kind != commit.Gone {
			return
		}
		if err := u.losses.missUnsent(key); err != nil {
			u.failed(err)
		}
	default:
		u.board.pulse.miss(key, err)
		path := ""
		if o := u.resolver.activeFile(key); o != nil {
			path = u.pathOf(o)
		}
		u.board.problems.raiseAs(key.String(), commit.Problem{Kind: commit.Conflict, Path: path, Message: fmt.Sprintf("source %s cannot be "+
			"shipped: %v; its batches stay in the spool, and shipping is retried", key.ID, err)})
	}
}

// shipInTurn ships a source's outbox once it has a slot.
func (u *uploader) shipInTurn(key source.Key, l *lane) error {
	select {
	case <-u.opened:
	case <-u.ships.Done():
		return u.ships.Err()
	}
	return u.untilAllowed(u.ships, key.String(), func() error {
		return commit.InSlot(u.ships, u.puts, func(ctx context.Context) error {
			return u.shipSource(ctx, key, l)
		})
	})
}

// shipSource ships a source's outbox.
func (u *uploader) shipSource(ctx context.Context, key source.Key, l *lane) error {
	w, ok, err := u.HeldSource(key)
	if err != nil {
		return err
	}
	if l.idle = !ok; !ok {
		if len(u.OrphanBatches.Of(key)) > 0 {
			return u.shipWithFile(ctx, key)
		}
		return nil // nothing of it is sealed
	}
	defer w.CloseOwn()
	if !l.known {
		if err := w.Shipper.CheckBehind(ctx); err != nil {
			return err
		}
		l.known = true
	}
	for {
		if err := w.Shipper.Refresh(); err != nil {
			return err
		}
		if len(w.Src.Outbox) == 0 {
			break
		}
		if ok, err := u.mayShip(ctx, w); !ok || err != nil {
			return err
		}
		if len(w.Src.Outbox) == 0 {
			continue // it was declared lost meanwhile
		}
		e := w.Src.Outbox[0]
		in := u.board.inBatch(e)
		err = u.RetryWhileDiskFull(ctx, func() error { return w.Shipper.ShipFree(ctx, e) })
		switch {
		case err == nil:
			u.board.countShipped(key, e, in)
		case ctx.Err() != nil, fatal(err), mayPass(err):
			return err
		default:
			return u.shipWithFile(ctx, key)
		}
	}
	if len(u.OrphanBatches.Of(key)) > 0 {
		if err := u.shipWithFile(ctx, key); err != nil {
			return err
		}
	}
	return u.takeBack(ctx, w)
}

// shipWithFile ships with the source's file in hand and nothing else going on: what was put may
// have to be given up, adopted or cut again.
func (u *uploader) shipWithFile(ctx context.Context, key source.Key) error {
	o := u.resolver.activeFile(key)
	if o == nil {
		return u.shipLeft(ctx, key)
	}
	done, err := u.takeInHand(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	if o.cut {
		return u.shipLeft(ctx, key) // all that is left of it is in the spool and in memory
	}
	w, err := o.workOn(key)
	if err != nil {
		return err
	}
	u.setLaneWants(key, false)
	_, err = u.withWholeView(o, func() (bool, error) { return false, u.shipAndCatchUp(ctx, w) })
	if errors.Is(err, commit.ErrSettleAgain) {
		o.owes = nil // nobody knows what the source was
		u.active.release(o)
		u.active.unhold(o)
		u.mu.Lock()
		u.scheduler.schedule(o)
		u.resolver.scheduleGroup(o.group, o)
		u.mu.Unlock()
		return err
	}
	if resumed := u.follower.resume(o); err == nil {
		err = resumed
	}
	u.follower.publish(o)
	u.mu.Lock()
	u.scheduler.schedule(o)
	u.mu.Unlock()
	if commit.Stops(err) {
		w.Hold()
	}
	return err
}

// takeInHand waits until nobody works on a file: it ends a cut that is under way, and lets none begin
// meanwhile. The file is the caller's until done.
func (u *uploader) takeInHand(ctx context.Context, o *logFile) (done func(), err error) {
	u.mu.Lock()
	o.waited++
	if o.interrupt != nil {
		o.interrupt(commit.ErrAgain)
	}
	u.mu.Unlock()
	err = commit.SlotOf(ctx).Lock(ctx, o.mu)
	u.mu.Lock()
	o.waited--
	u.mu.Unlock()
	return o.mu.Unlock, err
}

// workOn gives the file's work on a source as the ledger now has it, if it still is its owner. f.mu is
// held.
func (f *logFile) workOn(key source.Key) (*commit.Writer, error) {
	if f.w == nil || f.w.Key != key || f.live == nil {
		return nil, fmt.Errorf("ship source %s: %w", key.ID, commit.ErrAgain)
	}
	return f.w, f.w.Shipper.Refresh()
}

// withWholeView runs do while the work has a view of all that there is of the file. f.mu is held.
func (u *uploader) withWholeView(f *logFile, do func() (bool, error)) (bool, error) {
	return u.follower.withView(f, max(f.live.Taken(), f.size), f.final && !f.hadMore(), do)
}
