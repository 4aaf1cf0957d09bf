package tail

import (
	"context"
	"fmt"
	"slices"
	"time"

	"logseal/ingest/commit"
	"logseal/ingest/files"
)

// look finds out what files there are now and has those attended to that have changed. What is an
// error here is of one pattern or path: the others are looked at all the same.
//
// A look that ctx ends, or that meets an error, says nothing of what it did not see.
func (c *scanner) look(ctx context.Context) {
	now := time.Now()
	c.mu.Lock()
	streams := c.config.streams
	c.mu.Unlock()
	c.looks++
	unread := map[*streamRef][]files.Unread{}
	for _, ref := range streams {
		unread[ref] = c.lookAt(ctx, ref, now)
	}
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	for _, f := range c.table {
		if f.seen != c.looks && (f.of.removed.Load() || !covered(unread[f.of], f.path)) {
			c.lose(f, now)
		}
	}
	c.mu.Unlock()
	c.watch(streams)
	c.losses.checkMissing(now)
	c.memory.shortOfMemory()
	c.noteGrowth()
	c.scheduler.endTurns(now)
	c.endFirst()
	c.mu.Lock()
	c.looked, c.lookBegan = time.Now(), now
	c.mu.Unlock()
}

// lose notes that a file is at none of its paths. Tail.mu is held.
func (c *scanner) lose(f *followed, now time.Time) {
	f.there = false
	if f.goneAt.IsZero() {
		f.goneAt = now
	}
	if f.view.standing == isStopped && f.due.After(now) {
		return // it rests
	}
	c.scheduler.kick(f)
}

func covered(unread []files.Unread, path string) bool {
	return slices.ContainsFunc(unread, func(u files.Unread) bool { return u.Covers(path) })
}

// lookAt looks at the files of one stream, and tells what could not be read.
func (c *scanner) lookAt(ctx context.Context, ref *streamRef, now time.Time) []files.Unread {
	s := ref.Load()
	found, unread, err := s.Find(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		unread = append(unread, files.Unread{Path: "/", Err: err})
	}
	c.board.notices.keep(s.Table().String(), unreadProblems(s, unread))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range found {
		c.see(ref, fileIDOf(s, x.Path, x.Stat), x, now)
	}
	ref.looked = true
	return unread
}

func unreadProblems(s *tailStream, unread []files.Unread) (all []commit.Problem) {
	for _, u := range unread {
		all = append(all, commit.Problem{Kind: commit.Unreadable, Path: u.Path, Message: fmt.Sprintf("stream %s cannot be followed there: "+
			"%v; mend that, the rest is followed meanwhile", s.Epoch.Stream, u.Err)})
	}
	return all
}

// see takes note of a file. Tail.mu is held.
func (c *scanner) see(ref *streamRef, id fileID, x files.Found, now time.Time) {
	f := c.table[id]
	if f == nil {
		f = newFollowed(ref, id, x)
		f.moved, f.seen = now, c.looks
		if !ref.looked {
			f.first = x.Stat.Size
		}
		c.table[id] = f
		c.accounts.noteUnsealed(f)
		c.scheduler.kick(f)
		return
	}
	if f.seen == c.looks {
		return // another name of a file
	}
	f.seen = c.looks
	changed := f.stat.Size != x.Stat.Size || f.stat.MtimeNS != x.Stat.MtimeNS
	if changed {
		f.moved = now
	}
	if x.Stat.Size < f.stat.Size {
		f.shrunk = true // what follows may be of another incarnation
	}
	if !f.shrunk && now.After(f.measured) {
		f.most = max(f.most, x.Stat.Size)
	}
	renamed := f.path != x.Path && !c.stillAt(f)
	if renamed {
		c.board.notices.clear(f.path, commit.TooManyRejects)
		f.path, f.renamedAt = x.Path, time.Time{}
		if !f.turn.opened.IsZero() || f.rested != nil && !changed {
			f.renamedAt = now // else its inode may be that of any other file by now
		}
		f.movedAtRest = f.rested != nil && !changed
	}
	back := !f.there
	if back && f.interrupt != nil {
		f.interrupt(commit.ErrAgain) // it may grow after all
	}
	f.stat, f.there, f.goneAt = x.Stat, true, time.Time{}
	if f.view.standing == isRead && changed {
		c.shelf.wakeRested(f)
	}
	c.accounts.noteUnsealed(f)
	if f.view.standing == isStopped && f.due.After(now) && !(f.view.noText && changed) {
		return // it rests
	}
	unread := f.view.standing == isOwner && x.Stat.Size > f.view.taken
	if changed || back || renamed && f.mayEnd() || unread && (x.Stat.Size > f.view.left || c.memory.hasRoom()) {
		c.scheduler.kick(f)
	}
}

// stillAt tells whether a file's path is still its own. Of several names it keeps the one it had.
func (c *scanner) stillAt(f *followed) bool {
	stat, err := c.FS.Stat(f.path)
	return err == nil && fileIDOf(f.stream(), f.path, stat) == f.id
}

// watch tells of the folders that are of interest, when they are others than before.
func (c *scanner) watch(streams []*streamRef) {
	if c.watched == nil {
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
	if slices.Equal(dirs, c.dirs) {
		return
	}
	c.dirs = dirs
	c.watched(dirs)
}

// attendDue has the files attended to whose time has come, and tells when the next one is due.
func (s *scheduler) attendDue(now time.Time) (next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.waitingFor {
		switch {
		case !f.due.After(now):
			s.kick(f)
		case next.IsZero() || f.due.Before(next):
			next = f.due
		}
	}
	return next
}

// dueBy has a file attended to at a time, if nothing else happens before; the zero time is never.
// Tail.mu is held.
func (s *scheduler) dueBy(f *followed, at time.Time) {
	f.due = at
	if at.IsZero() {
		delete(s.waitingFor, f)
		return
	}
	s.waitingFor[f] = true
}
