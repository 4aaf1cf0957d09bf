package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"

	"logseal/ingest/verify"
)

// verifyWatcher shows how far a verify is, as watcher does for a load: first how much it has
// listed, then how much of that it has checked.
type verifyWatcher struct {
	a     *app
	shown bool // a bar is drawn
	done  chan struct{}
	wait  sync.WaitGroup

	mu  sync.Mutex // guards what follows
	now verify.Progress
	bar *progressbar.ProgressBar // nil elsewhere than on a terminal, and before it begins
}

// watchVerify starts a watcher; stop ends it.
func (a *app) watchVerify() *verifyWatcher {
	w := &verifyWatcher{a: a, shown: !a.quiet && a.terminal(), done: make(chan struct{})}
	if !a.quiet && !w.shown {
		w.wait.Go(w.logLines)
	}
	return w
}

// set is told how far the run is.
func (w *verifyWatcher) set(p verify.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.now
	w.now = p
	if !w.shown {
		return
	}
	if p.Listed && !before.Listed {
		w.finish()
	}
	switch {
	case w.bar == nil && p.Listed && p.Bytes > 0:
		w.bar = w.a.newBar("verify", p.Bytes)
	case w.bar == nil && !p.Listed:
		w.bar = w.a.newBar("list", -1)
	}
	if w.bar == nil {
		return
	}
	at := p.DoneSize
	if !p.Listed {
		at = p.Bytes
	}
	// It can fail only to print, and then there is nobody to tell.
	_ = w.bar.Set64(at)
}

// finish takes the bar away.
func (w *verifyWatcher) finish() {
	if w.bar != nil {
		_ = w.bar.Finish()
		w.bar = nil
	}
}

func (w *verifyWatcher) logLines() {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var before verify.Progress
	for {
		select {
		case <-w.done:
			return
		case <-tick.C:
			w.mu.Lock()
			now := w.now
			w.mu.Unlock()
			w.logLine(before, now)
			before = now
		}
	}
}

func (w *verifyWatcher) logLine(before, now verify.Progress) {
	if !now.Listed {
		w.a.log.Info("verify", "listed", now.Objects)
		return
	}
	rate := uint64(float64(now.DoneSize-before.DoneSize) / progressEvery.Seconds())
	w.a.log.Info("verify", "checked", fmt.Sprintf("%d of %d", now.Done, now.Objects),
		"bytes", humanize.IBytes(uint64(now.DoneSize)), "of", humanize.IBytes(uint64(now.Bytes)),
		"rate", fmt.Sprintf("%s/s", humanize.IBytes(rate)))
}

// stop ends the display and waits for it.
func (w *verifyWatcher) stop() {
	close(w.done)
	w.wait.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finish()
}
