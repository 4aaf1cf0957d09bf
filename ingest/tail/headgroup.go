package tail

import (
	"logseal/ingest/commit"
	"logseal/ingest/source"
)

// headGroup is the files that begin with the same head. Only they can be one source, or contend for
// a k, so they are told who they are one after the other.
type headGroup struct {
	commit.Turn
	key     source.Key // of ordinal 0
	family  *commit.Family
	release func()             // gives the family back
	files   map[*followed]bool // guarded by Tail.mu
}

// join makes a file one of the group of its head; before it may have had another.
func (r *resolver) join(f *followed, c *commit.Claim) *headGroup {
	table := c.Stream.Table()
	key := source.KeyOf(table, c.Origin, 0, c.Head)
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.group != nil && f.group.key == key {
		return f.group
	}
	r.leave(f)
	g := r.groups[key]
	if g == nil {
		g = &headGroup{Turn: commit.NewTurn(), key: key, files: map[*followed]bool{}}
		g.family, g.release = r.Families.Use(table, c.Origin, c.Head)
		r.groups[key] = g
	}
	g.files[f] = true
	f.group = g
	return g
}

// leave takes a file out of its group. Tail.mu is held.
func (r *resolver) leave(f *followed) {
	if f.group == nil {
		return
	}
	delete(f.group.files, f)
	if len(f.group.files) == 0 && r.groups[f.group.key] == f.group {
		delete(r.groups, f.group.key)
		f.group.release()
	}
	f.group = nil
}

// rouse has the files of a group looked at again that are not read: what they were held against has
// changed. Tail.mu is held.
func (r *resolver) rouse(g *headGroup, but *followed) {
	if g == nil {
		return
	}
	for f := range g.files {
		if f != but && f.view.standing != isOwner && f.view.standing != isRead {
			r.scheduler.kick(f)
		}
	}
}

// owner is the file that a source is read from, nil for none.
func (r *resolver) owner(key source.Key) *followed {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active.owners[key]
}
