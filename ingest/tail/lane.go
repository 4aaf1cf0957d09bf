package tail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/source"
)

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

// kickLane has a source's outbox shipped.
func (t *Tail) kickLane(key source.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ships.Err() != nil {
		return
	}
	l := t.lanes[key]
	if l == nil {
		l = &lane{}
		t.lanes[key] = l
	}
	if l.since.IsZero() {
		l.since = time.Now()
	}
	if l.busy {
		l.again = true
		return
	}
	if l.resting {
		if !t.ending || l.failing >= laneStuck {
			return // its rest is not long, and it finds all that has come
		}
		l.retry.Stop()
		l.resting = false
	}
	l.busy = true
	t.wg.Go(func() { t.runLane(key, l) })
}

// runLane ships until nothing is left or it cannot go on; then it is tried again later.
func (t *Tail) runLane(key source.Key, l *lane) {
	noted := false
	for {
		err := t.shipInTurn(key, l)
		var await *commit.AwaitError
		waits := errors.As(err, &await)
		if waits && t.waitFor(await.Other, key) && !noted {
			noted = true // what was shipped before it was noted is asked about once more
			continue
		}
		if err != nil && t.ctx.Err() == nil && fatal(err) {
			t.failed(err)
		}
		t.mu.Lock()
		if l.again && (err == nil || waits) && t.ships.Err() == nil {
			l.again = false
			t.mu.Unlock()
			continue
		}
		l.busy, l.again = false, false
		waited := l.waits
		if l.waits = waits; !waits && l.release != nil {
			l.release()
			l.release = nil
		}
		if waits {
			t.parkLane(key, l)
			// What others wait for must have room: so what waits does not count, and no more of it is made.
			defer t.holdSource(key)
		} else if err != nil {
			t.restLane(key, l)
			stuck := l.failing >= laneStuck
			defer func() {
				if stuck && t.ships.Err() == nil {
					t.holdSource(key)
					t.kickFinal(key)
				}
			}()
		} else {
			l.since = time.Time{}
			if !l.idle {
				l.failing = 0
			}
			if o := t.owners[key]; o == nil {
				delete(t.lanes, key)
			} else if o.final || waited || o.turn.isOver() {
				t.kick(o) // it may be let go now, or sealed on, or rest
			}
		}
		t.mu.Unlock()
		if err == nil {
			t.pulse.settled(key)
			t.notices.clear(key.String())
			t.releaseHeldOf(key)
		} else if t.ships.Err() == nil {
			t.laneFault(key, err)
		}
		t.nudge()
		return
	}
}

// restLane lets a source be tried again after a while. Tail.mu is held.
func (t *Tail) restLane(key source.Key, l *lane) {
	wait := min(laneWaitMax, laneWaitFirst<<min(l.failing, 10))
	l.failing++
	if l.retry != nil {
		l.retry.Stop()
	}
	if t.ships.Err() == nil {
		l.resting = true
		l.retry = time.AfterFunc(wait, func() {
			t.mu.Lock()
			l.resting = false
			t.mu.Unlock()
			if t.ships.Err() == nil {
				t.kickLane(key)
			}
		})
	}
}

// kickFinal has a source's file attended to that can no longer grow: it need not wait for the lane.
func (t *Tail) kickFinal(key source.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.owners[key]; o != nil && o.final {
		t.kick(o)
	}
}

// isStuck tells whether a source cannot be shipped, or not taken back, for a reason of its own.
func (t *Tail) isStuck(key source.Key) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lanes[key]
	return l != nil && l.failing >= laneStuck
}

// holdSource takes what a source has in the spool out of the count.
func (t *Tail) holdSource(key source.Key) {
	src, ok, err := t.Ledger.Get(key)
	if err != nil || !ok {
		return // a lane that can go on finds out
	}
	for _, e := range src.Outbox {
		t.Spool.Hold(e.Spool)
	}
}

// laneFault says why a source cannot be shipped now.
func (t *Tail) laneFault(key source.Key, err error) {
	var stopped *commit.StopError
	switch {
	case errors.Is(err, commit.ErrSettleAgain), errors.Is(err, commit.ErrAgain):
	case errors.As(err, new(*commit.AwaitError)):
		t.pulse.settled(key) // it waits for another source
	case errors.As(err, &stopped):
		t.pulse.settled(key)
		t.notices.raiseAs(key.String(), stopped.Problem)
		if stopped.Kind != commit.Gone {
			return
		}
		if err := t.missUnsent(key); err != nil {
			t.failed(err)
		}
	default:
		t.pulse.miss(key, err)
		path := ""
		if o := t.owner(key); o != nil {
			path = t.pathOf(o)
		}
		t.notices.raiseAs(key.String(), commit.Problem{Kind: commit.Conflict, Path: path, Message: fmt.Sprintf("source %s cannot be "+
			"shipped: %v; its batches stay in the spool and it is tried again", key.ID, err)})
	}
}

// shipInTurn ships a source's outbox once it has a slot.
func (t *Tail) shipInTurn(key source.Key, l *lane) error {
	select {
	case <-t.opened:
	case <-t.ships.Done():
		return t.ships.Err()
	}
	return t.untilAllowed(t.ships, key.String(), func() error {
		return commit.InSlot(t.ships, t.puts, func(ctx context.Context) error {
			return t.shipSource(ctx, key, l)
		})
	})
}

// shipSource ships a source's outbox.
func (t *Tail) shipSource(ctx context.Context, key source.Key, l *lane) error {
	w, ok, err := t.HeldSource(key)
	if err != nil {
		return err
	}
	if l.idle = !ok; !ok {
		if len(t.Aside.Of(key)) > 0 {
			return t.shipWithFile(ctx, key)
		}
		return nil // nothing of it is sealed
	}
	defer w.CloseOwn()
	if !l.known {
		if err := w.CheckBehind(ctx); err != nil {
			return err
		}
		l.known = true
	}
	for {
		if err := w.Refresh(); err != nil {
			return err
		}
		if len(w.Src.Outbox) == 0 {
			break
		}
		if ok, err := t.mayShip(ctx, w); !ok || err != nil {
			return err
		}
		if len(w.Src.Outbox) == 0 {
			continue // it was declared lost meanwhile
		}
		e := w.Src.Outbox[0]
		in := t.inBatch(e)
		err = t.WhenThereIsRoom(ctx, func() error { return w.ShipFree(ctx, e) })
		switch {
		case err == nil:
			t.countShipped(key, e, in)
		case ctx.Err() != nil, fatal(err), mayPass(err):
			return err
		default:
			return t.shipWithFile(ctx, key)
		}
	}
	if len(t.Aside.Of(key)) > 0 {
		if err := t.shipWithFile(ctx, key); err != nil {
			return err
		}
	}
	return t.takeBack(ctx, w)
}

// shipWithFile ships with the source's file in hand and nothing else going on: what was put may
// have to be given up, adopted or cut again.
func (t *Tail) shipWithFile(ctx context.Context, key source.Key) error {
	o := t.owner(key)
	if o == nil {
		return t.shipLeft(ctx, key)
	}
	done, err := t.takeInHand(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	if o.cut {
		return t.shipLeft(ctx, key) // all that is left of it is in the spool and in memory
	}
	w, err := o.workOn(key)
	if err != nil {
		return err
	}
	t.setLaneWants(key, false)
	_, err = t.withWholeView(o, func() (bool, error) { return false, t.shipAndCatchUp(ctx, w) })
	if errors.Is(err, commit.ErrSettleAgain) {
		o.owes = nil // nobody knows what the source was
		t.disown(o)
		t.unhold(o)
		t.mu.Lock()
		t.kick(o)
		t.rouse(o.group, o)
		t.mu.Unlock()
		return err
	}
	if resumed := t.resume(o); err == nil {
		err = resumed
	}
	t.publish(o)
	t.mu.Lock()
	t.kick(o)
	t.mu.Unlock()
	if commit.Stops(err) {
		w.Hold()
	}
	return err
}

// takeInHand waits until nobody works on a file: it ends a cut that is under way, and lets none begin
// meanwhile. The file is the caller's until done.
func (t *Tail) takeInHand(ctx context.Context, o *followed) (done func(), err error) {
	t.mu.Lock()
	o.waited++
	if o.interrupt != nil {
		o.interrupt(commit.ErrAgain)
	}
	t.mu.Unlock()
	err = commit.SlotOf(ctx).Lock(ctx, o.mu)
	t.mu.Lock()
	o.waited--
	t.mu.Unlock()
	return o.mu.Unlock, err
}

// workOn gives the file's work on a source as the ledger now has it, if it still is its owner. f.mu is
// held.
func (f *followed) workOn(key source.Key) (*commit.Writer, error) {
	if f.w == nil || f.w.Key != key || f.live == nil {
		return nil, fmt.Errorf("ship source %s: %w", key.ID, commit.ErrAgain)
	}
	return f.w, f.w.Refresh()
}

// withWholeView runs do while the work has a view of all that there is of the file. f.mu is held.
func (t *Tail) withWholeView(f *followed, do func() (bool, error)) (bool, error) {
	return t.withView(f, max(f.live.Taken(), f.size), f.final && !f.hadMore(), do)
}

// shipLeft ships what waits of a source as far as no file is needed.
func (t *Tail) shipLeft(ctx context.Context, key source.Key) error {
	var k uint64
	if aside := t.Aside.Of(key); len(aside) > 0 {
		k = aside[0].K
	}
	w, err := t.SourceOf(key, k)
	if err != nil {
		return err
	}
	sealed := w.Src.Sealed.Offset
	err = w.ShipLeft(ctx)
	if commit.Stops(err) {
		w.Hold()
	}
	if errors.Is(err, commit.ErrSettleAgain) || w.Src.Sealed.Offset < sealed {
		t.readAgain(key) // the spool had lost what was read of it
	}
	var stopped *commit.StopError
	t.setLaneWants(key, errors.As(err, &stopped) && stopped.Kind == commit.Gone)
	return err
}

// shipAndCatchUp ships what waits, and what is aside as far as ledger and sink lead up to it.
func (t *Tail) shipAndCatchUp(ctx context.Context, w *commit.Writer) error {
	for {
		before := w.Src.Shipped
		if err := w.Ship(ctx); err != nil {
			return err
		}
		t.countShippedTo(w.Key, before, w.Src.Shipped)
		more, err := w.TakeSpooled()
		if err == nil && !more {
			more, err = w.CatchUp(ctx)
		}
		if err != nil || !more {
			return err
		}
	}
}
