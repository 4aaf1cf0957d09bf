package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/source"
)

// lane ships the batches of one source, in order. It knows the source by the ledger alone, so that
// sealing goes on meanwhile; where that is not enough it takes the source's file in hand.
type lane struct {
	busy    bool // a goroutine is at it
	again   bool // something came while it was
	known   bool // the sink was found to have what the ledger has shipped
	failing int  // how often in a row it could not go on
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

// shipAllWaiting has everything shipped that earlier runs left.
func (t *Tail) shipAllWaiting() error {
	return t.eachSource(func(key source.Key, src *offsets.Source) error {
		if len(src.Outbox) > 0 || len(t.aside.of(key)) > 0 {
			t.kickLane(key)
		}
		return nil
	})
}

// kickLane has a source's outbox shipped.
func (t *Tail) kickLane(key source.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
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
		if !t.ending {
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
	for {
		err := t.shipInTurn(key, l)
		if err != nil && t.ctx.Err() == nil && fatal(err) {
			t.failed(err)
		}
		t.mu.Lock()
		if l.again && err == nil && t.ctx.Err() == nil {
			l.again = false
			t.mu.Unlock()
			continue
		}
		l.busy, l.again = false, false
		if err != nil {
			t.restLane(key, l)
			stuck := l.failing >= laneStuck
			defer func() {
				if stuck && t.ctx.Err() == nil {
					t.holdSource(key)
					t.kickFinal(key)
				}
			}()
		} else {
			l.failing, l.since = 0, time.Time{}
			if o := t.owners[key]; o == nil {
				delete(t.lanes, key)
			} else if o.final {
				t.kick(o) // it may be let go now
			}
		}
		t.mu.Unlock()
		if err == nil {
			t.notices.clear(key.String())
		} else if t.ctx.Err() == nil {
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
	if t.ctx.Err() == nil {
		l.resting = true
		l.retry = time.AfterFunc(wait, func() {
			t.mu.Lock()
			l.resting = false
			t.mu.Unlock()
			if t.ctx.Err() == nil {
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
	var stopped *stopError
	switch {
	case errors.Is(err, errSettleAgain), errors.Is(err, errAgain):
	case errors.As(err, &stopped):
		t.notices.raiseAs(key.String(), stopped.Problem)
		if stopped.Kind != Gone {
			return
		}
		if err := t.missUnsent(key); err != nil {
			t.failed(err)
		}
	default:
		path := ""
		if o := t.owner(key); o != nil {
			path = t.pathOf(o)
		}
		t.notices.raiseAs(key.String(), Problem{Conflict, path, fmt.Sprintf("source %s cannot be "+
			"shipped: %v; its batches stay in the spool and it is tried again", key.ID, err)})
	}
}

// fatal tells whether an error is of no source alone: the ledger cannot be used any more, or the
// sink is not the one that it knows.
func fatal(err error) bool {
	return errors.Is(err, ErrBehind) || errors.Is(err, ErrMeaning) ||
		errors.Is(err, offsets.ErrUnusable) || errors.As(err, new(*offsets.CommitError)) ||
		errors.As(err, new(*offsets.DamagedError))
}

// mayPass tells whether an error is of a sink that does not answer now, and not of what it holds.
func mayPass(err error) bool {
	return errors.As(err, new(*sink.TransientError)) || errors.As(err, new(*sink.RefusedError)) ||
		errors.Is(err, context.DeadlineExceeded)
}

func (t *Tail) shipInTurn(key source.Key, l *lane) error {
	select {
	case <-t.opened:
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	select {
	case t.puts <- struct{}{}:
		defer func() { <-t.puts }()
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	return t.untilAllowed(t.ctx, func() error { return t.shipSource(key, l) })
}

// shipSource ships a source's outbox.
func (t *Tail) shipSource(key source.Key, l *lane) error {
	w, err := t.sourceOf(key, 0)
	if err != nil {
		return err
	}
	if !l.known {
		if err := w.checkBehind(t.ctx); err != nil {
			return err
		}
		l.known = true
	}
	for {
		if err := w.refresh(); err != nil {
			return err
		}
		if len(w.src.Outbox) == 0 {
			break
		}
		ok, err := t.freeBelow(w)
		if err != nil {
			return err
		}
		if !ok {
			return t.shipWithFile(key)
		}
		e := w.src.Outbox[0]
		err = t.whenThereIsRoom(t.ctx, func() error { return w.shipFree(t.ctx, e) })
		switch {
		case err == nil:
			t.countShipped(key, e)
		case t.ctx.Err() != nil, fatal(err), mayPass(err):
			return err
		default:
			return t.shipWithFile(key)
		}
	}
	if len(t.aside.of(key)) > 0 {
		if err := t.shipWithFile(key); err != nil {
			return err
		}
	}
	return t.takeBack(w)
}

// shipWithFile ships with the source's file in hand and nothing else going on: what was put may
// have to be given up, adopted or cut again.
func (t *Tail) shipWithFile(key source.Key) error {
	o := t.owner(key)
	if o == nil {
		return t.shipLeft(key)
	}
	defer t.takeInHand(o)()
	if o.cut {
		return t.shipLeft(key) // all that is left of it is in the spool and in memory
	}
	w, err := o.workOn(key)
	if err != nil {
		return err
	}
	_, err = t.withWholeView(o, func() (bool, error) { return false, t.shipAndCatchUp(w) })
	if errors.Is(err, errSettleAgain) {
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
	if stops(err) {
		w.hold()
	}
	return err
}

// takeInHand waits until nobody works on a file: it ends a cut that is under way, and lets none begin
// meanwhile. The file is the caller's until done.
func (t *Tail) takeInHand(o *followed) (done func()) {
	t.mu.Lock()
	o.wanted++
	if o.interrupt != nil {
		o.interrupt(errAgain)
	}
	t.mu.Unlock()
	o.mu.Lock()
	t.mu.Lock()
	o.wanted--
	t.mu.Unlock()
	return o.mu.Unlock
}

// workOn gives the file's work on a source as the ledger now has it, if it still is its owner. f.mu is
// held.
func (f *followed) workOn(key source.Key) (*work, error) {
	if f.w == nil || f.w.key != key || f.live == nil {
		return nil, fmt.Errorf("ship source %s: %w", key.ID, errAgain)
	}
	return f.w, f.w.refresh()
}

// withWholeView runs do while the work has a view of all that there is of the file. f.mu is held.
func (t *Tail) withWholeView(f *followed, do func() (bool, error)) (bool, error) {
	return t.withView(f, max(f.live.Taken(), f.size), f.final && !f.goesOn(), do)
}

// shipLeft ships what waits of a source as far as no file is needed.
func (t *Tail) shipLeft(key source.Key) error {
	w, err := t.sourceOf(key, 0)
	if err != nil {
		return err
	}
	path, sealed := w.src.Path, w.src.Sealed.Offset
	err = w.shipLeft(t.ctx)
	if stops(err) {
		w.hold()
	}
	if errors.Is(err, errSettleAgain) || w.src.Sealed.Offset < sealed {
		t.readAgain(path) // the spool had lost what was read of it
	}
	return err
}

// readAgain has a compressed file read again that was put away.
func (t *Tail) readAgain(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.table {
		if f.path == path && f.view.standing == isRead {
			f.view.standing = isNew
			t.kick(f)
		}
	}
}

// shipAndCatchUp ships what waits, and what is aside as far as ledger and sink lead up to it.
func (t *Tail) shipAndCatchUp(w *work) error {
	for {
		before := w.src.Shipped
		if err := w.ship(t.ctx); err != nil {
			return err
		}
		t.countShippedTo(w.key, before, w.src.Shipped)
		more, err := w.takeSpooled()
		if err == nil && !more {
			more, err = w.catchUp(t.ctx)
		}
		if err != nil || !more {
			return err
		}
	}
}

// untilAllowed runs try, and again for as long as the sink refuses: that is mended outside, and is
// said with its fix at once. try must be safe to repeat.
func (t *Tail) untilAllowed(ctx context.Context, try func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = laneWaitFirst, laneWaitMax
	for {
		err := try()
		if err == nil || !errors.As(err, new(*sink.RefusedError)) {
			t.notices.clear("", Refused)
			return err
		}
		d := wait.NextBackOff()
		t.notices.raise(Problem{Kind: Refused, Message: fmt.Sprintf("%v; it is tried again", err)})
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
