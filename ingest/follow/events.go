package follow

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Events says that something may have changed in some folders: a hint to look sooner, and never the
// truth. Some file systems report no changes, and Events leaves out those that come too fast. One
// goroutine calls Watch and Close.
type Events struct {
	watcher *fsnotify.Watcher
	hints   chan struct{}
	stop    chan struct{}
	done    sync.WaitGroup

	mu  sync.Mutex // guards err
	err error      // from the watcher, for the next Watch to return
}

const (
	// eventsDirs is how many folders are watched at most: each takes about 1 KiB of the kernel's
	// memory, of which a user has a share that others need too.
	eventsDirs = 1024
	// eventsPause is how long Events does not listen after a hint. So a busy log, which is an
	// event a line, costs little: the kernel drops the events that it has no room for.
	eventsPause = 100 * time.Millisecond
)

// NewEvents begins to watch nothing. An error says that the system has no watches to give.
func NewEvents() (*Events, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch folders: %w", err)
	}
	e := &Events{watcher: w, hints: make(chan struct{}, 1), stop: make(chan struct{})}
	e.done.Go(e.listen)
	return e, nil
}

// C gives a hint after one or more changes.
func (e *Events) C() <-chan struct{} { return e.hints }

// Watch watches these folders and no others. A caller may call it often: folders that are watched already
// cost nothing. The error is for a log: it says which folders are not watched, or what Events missed since
// the last call. All other folders are watched.
func (e *Events) Watch(dirs []string) error {
	e.mu.Lock()
	all := []error{e.err}
	e.err = nil
	e.mu.Unlock()

	if n := len(dirs); n > eventsDirs {
		dirs = dirs[:eventsDirs]
		all = append(all, fmt.Errorf("watch %d folders: only %d are watched", n, eventsDirs))
	}
	want := make(map[string]bool, len(dirs))
	for _, dir := range dirs {
		want[filepath.Clean(dir)] = true
	}
	for _, dir := range e.watcher.WatchList() {
		if want[dir] {
			delete(want, dir)
			continue
		}
		// It may be gone by itself meanwhile.
		err := e.watcher.Remove(dir)
		if err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
			all = append(all, fmt.Errorf("watch %s no more: %w", dir, err))
		}
	}
	return errors.Join(append(all, e.add(slices.Sorted(maps.Keys(want))))...)
}

// add watches more folders. Of many faults, which are likely the same, it returns the first.
func (e *Events) add(dirs []string) error {
	var first error
	failed := 0
	for _, dir := range dirs {
		if err := e.watcher.Add(dir); err != nil {
			if failed++; failed == 1 {
				first = fmt.Errorf("watch %s: %w", dir, err)
			}
		}
	}
	if failed > 1 {
		return fmt.Errorf("%w (and %d more)", first, failed-1)
	}
	return first
}

// Close ends watching.
func (e *Events) Close() error {
	close(e.stop)
	err := e.watcher.Close()
	e.done.Wait()
	return err
}

func (e *Events) listen() {
	for {
		select {
		case <-e.stop:
			return
		case _, ok := <-e.watcher.Events:
			if !ok {
				return
			}
		case err, ok := <-e.watcher.Errors:
			if !ok {
				return
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				e.mu.Lock()
				e.err = fmt.Errorf("watch folders: %w", err)
				e.mu.Unlock()
			}
		}
		e.hint()
	}
}

// hint gives a hint, unless the last one was not taken yet, and pauses.
func (e *Events) hint() {
	select {
	case e.hints <- struct{}{}:
	default:
	}
	select {
	case <-e.stop:
	case <-time.After(eventsPause):
	}
}
