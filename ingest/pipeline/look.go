package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"logseal/ingest/files"
)

// look finds out what files there are now and has those attended to that have changed. What is an
// error here is of one pattern or path: the others are looked at all the same.
func (t *Tail) look() {
	now := time.Now()
	seen := map[fileID]bool{}
	partly := map[*streamRef]bool{} // streams of which not all files could be found
	t.mu.Lock()
	streams := t.streams
	t.mu.Unlock()
	for _, ref := range streams {
		s := ref.Load()
		paths, err := s.Find()
		if err != nil {
			partly[ref] = true
			t.notices.raise(Problem{Kind: Unreadable, Path: s.Epoch.Stream,
				Message: fmt.Sprintf("the stream's files cannot all be found: %v; mend that, the others "+
					"are followed meanwhile", err)})
		} else {
			t.notices.clear(s.Epoch.Stream)
		}
		for _, path := range paths {
			if !t.lookAt(ref, path, now, seen) {
				partly[ref] = true
			}
		}
	}
	t.mu.Lock()
	for id, f := range t.table {
		if seen[id] || partly[f.of] && !f.of.removed.Load() {
			continue
		}
		f.there = false
		if f.goneAt.IsZero() {
			f.goneAt = now
		}
		t.kick(f)
	}
	t.mu.Unlock()
	t.watch(streams)
	t.checkMissing(now)
	t.noteGrowth()
	t.mu.Lock()
	t.looked = time.Now()
	t.mu.Unlock()
}

// lookAt looks at one path; false when it may be a file of which nothing could be learnt.
func (t *Tail) lookAt(ref *streamRef, path string, now time.Time, seen map[fileID]bool) bool {
	stat, err := t.FS.Stat(path)
	var other *files.NotRegularError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &other):
		return true // it went since it was found
	case err != nil:
		t.notices.raise(Problem{Unreadable, path, fmt.Sprintf("it cannot be looked at: %v", err)})
		return false
	}
	id := fileIDOf(ref.Load(), path, stat)
	if seen[id] {
		return true // another name of a file
	}
	seen[id] = true
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.table[id]
	if f == nil {
		f = &followed{id: id, of: ref, path: path, tried: -1, moved: now,
			first: t.looked.IsZero()}
		f.view.standing = isNew
		t.table[id] = f
		f.stat, f.there = stat, true
		t.kick(f)
		return true
	}
	changed := f.stat.Size != stat.Size || f.stat.MtimeNS != stat.MtimeNS
	if changed {
		f.moved = now
	}
	if f.path != path && !t.stillAt(f) {
		f.path = path
	}
	back := !f.there
	f.stat, f.there, f.goneAt = stat, true, time.Time{}
	if changed || back || f.view.standing == isOwner && stat.Size > f.view.taken {
		t.kick(f)
	}
	return true
}

// stillAt tells whether a file's path is still its own. Of several names it keeps the one it had.
func (t *Tail) stillAt(f *followed) bool {
	stat, err := t.FS.Stat(f.path)
	return err == nil && fileIDOf(f.stream(), f.path, stat) == f.id
}

// watch tells of the folders that are of interest, when they are others than before.
func (t *Tail) watch(streams []*streamRef) {
	if t.watched == nil {
		return
	}
	var dirs []string
	for _, s := range streams {
		if s := s.Load(); s.Dirs != nil {
			dirs = append(dirs, s.Dirs()...)
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	if slices.Equal(dirs, t.dirs) {
		return
	}
	t.dirs = dirs
	t.watched(dirs)
}

// attendDue has the files attended to whose time has come, and tells when the next one is due.
func (t *Tail) attendDue(now time.Time) (next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.allFiles() {
		switch {
		case f.due.IsZero():
		case !f.due.After(now):
			t.kick(f)
		case next.IsZero() || f.due.Before(next):
			next = f.due
		}
	}
	return next
}
