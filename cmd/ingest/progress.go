package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"

	"logseal/ingest/commit"
)

// progressEvery is how often a line says how far a run is when nobody watches a bar.
const progressEvery = 10 * time.Second

// watcher shows how far a run is: a bar on a terminal, a log line now and then elsewhere, nothing
// with --quiet.
type watcher struct {
	bytes atomic.Int64
	bar   *progressbar.ProgressBar // nil elsewhere than on a terminal
	done  chan struct{}
	wait  sync.WaitGroup
}

// watch starts a watcher for a load; stop ends it.
func (a *app) watch(cfg *commit.Config) *watcher {
	w := &watcher{done: make(chan struct{})}
	if a.quiet {
		return w
	}
	if a.terminal() {
		w.bar = a.newBar("load", totalBytes(cfg))
		return w
	}
	w.wait.Go(func() { w.logLines(a) })
	return w
}

// newBar draws a bar of so many bytes; -1 when nobody knows.
func (a *app) newBar(what string, total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription(what), progressbar.OptionShowTotalBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// totalBytes is how much there is to read at most, -1 when compressed files hide it.
func totalBytes(cfg *commit.Config) (total int64) {
	for _, in := range cfg.Inputs {
		switch filepath.Ext(in.Path) {
		case ".gz", ".zst", ".zstd":
			return -1
		}
		if st, err := cfg.FS.Stat(in.Path); err == nil {
			total += st.Size
		}
	}
	return total
}

func (w *watcher) add(n int64) {
	w.bytes.Add(n)
	if w.bar != nil {
		// It can fail only to print, and then there is nobody to tell.
		_ = w.bar.Add64(n)
	}
}

func (w *watcher) logLines(a *app) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var before int64
	for {
		select {
		case <-w.done:
			return
		case <-tick.C:
			now := w.bytes.Load()
			rate := uint64(float64(now-before) / progressEvery.Seconds())
			before = now
			a.log.Info("load", "read", humanize.IBytes(uint64(now)),
				"rate", fmt.Sprintf("%s/s", humanize.IBytes(rate)))
		}
	}
}

// stop ends the display and waits for it.
func (w *watcher) stop() {
	close(w.done)
	w.wait.Wait()
	if w.bar != nil {
		_ = w.bar.Finish()
	}
}
